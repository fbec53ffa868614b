"""The page needs nothing but itself, shows every text to the letter, and draws the same pictures for light and dark."""

import json
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from b24_pipeline.audit import LinkWritten
from b24_pipeline.audit.report_queries import Figures, Refused, figures
from b24_pipeline.audit.storage.files import write_private
from b24_pipeline.reporting.charts import charts_of
from b24_pipeline.reporting.drawing import draw
from b24_pipeline.reporting.report import SCRIPT, TITLES, Report, make_report, page, script_hash
from b24_pipeline.reporting.run_charts import STATUS_LOOKS
from b24_pipeline.reporting.svg import SIGNS, pushed_apart
from b24_pipeline.reporting.theme import Color, in_variables, stylesheet
from b24_pipeline.rules.models import RunStatus
from b24_pipeline_tests.databases import bound_by_modes, no_file_larger_than
from b24_pipeline_tests.reporting.conftest import HALF_AN_HOUR, History


class Page(HTMLParser):
    """What a browser would load, run and show.

    Attributes:
        scripts: the type and the text of each; the text is shown to nobody.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.texts: list[str] = []
        self.scripts: list[tuple[str | None, str]] = []
        self.policy = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        if tag == "script":
            self.scripts.append((dict(attrs).get("type"), ""))
        if ("http-equiv", "Content-Security-Policy") in attrs:
            self.policy = dict(attrs)["content"] or ""

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        else:
            self.texts.append(data.strip())

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def report(told: Figures) -> Report:
    return make_report(told)


def test_the_page_needs_no_network_and_runs_nothing_but_the_search_for_people(report: Report) -> None:
    page = Page(report.html)
    assert [address for address in page.addresses if not address.startswith("#")] == []
    assert not {"link", "iframe", "img", "object", "form"} & set(page.tags)
    (data, script) = page.scripts
    assert data[0] == "application/json"
    assert script == (None, SCRIPT.read_text())
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src '{script_hash(script[1])}'; " in page.policy
    assert page.handlers == []
    assert re.findall(r"url\(|@import|https?://(?!www\.w3\.org/)", report.html) == []


def test_texts_of_people_and_services_are_shown_to_the_letter(report: Report) -> None:
    page = Page(report.html)
    assert "</h2><script>alert('x')</script> & \"Sons\" Ira" in page.text
    assert "the portal said </h2><script>alert('x')</script> & \"Sons\"" in page.text
    assert "\u202e" not in report.html


def test_the_page_says_what_is_wrong_who_is_left_out_and_what_each_run_did(report: Report) -> None:
    text = Page(report.html).text
    assert "portal.test → account.test" in text
    assert "Held: employees to create , since 12 January 2026, 13:30 UTC." in text
    assert "Records failing" in text
    assert "No e-mail in Bitrix24 (1) Name3 Ira user 3" in text
    assert "12 Jan 12:30 done 1 linked by e-mail 61.0 s 3" in text


def listed(html: str) -> list[list[object]]:
    """The rows of the table of people."""
    rows: list[list[object]] = json.loads(Page(html).scripts[0][1])
    return rows


def test_everybody_is_in_the_table_of_people_with_what_became_of_them(report: Report) -> None:
    rows = {row[0]: row for row in listed(report.html)}
    assert set(rows) == {1, 2, 3, 4, 5}
    assert rows[1][1:7] == [101, "Name1 Ira", "candidate", "by email", "", "email\n2026-01-12"]
    assert rows[2][3:6] == ["candidate", "none", "create: held"]
    assert "invalid_parameter_value" in str(rows[2][8])
    assert rows[3][5] == "no e-mail in Bitrix24"
    assert rows[4][2] == "</h2><script>alert('x')</script> & \"Sons\" Ira"
    assert rows[5][3] == "dismissed"
    assert {len(row) - 1 for row in rows.values()} == {len(TITLES)}


def test_ten_thousand_people_fit_into_the_page(told: Figures) -> None:
    (person, *_) = told.everybody
    many = [{**person, "bitrix24_id": number, "display_name": f"Ярославцева Анна{number}"} for number in range(10_000)]
    html = page(replace(told, everybody=tuple(many)), [])
    assert len(html.encode()) < 3_000_000
    assert len(listed(html)) == len(many)


def shown(history: History, *, later: timedelta = timedelta()) -> str:
    """What the report says, drawn so long after the last run began."""
    return Page(page(figures(history.store.database, now=history.now + later), [])).text


@pytest.mark.parametrize(
    ("minutes", "age"), [(0, "less than a minute"), (1, "1 minute"), (59, "59 minutes")], ids=["now", "one", "many"]
)
def test_an_import_that_is_well_says_so_and_when_it_was(history: History, minutes: int, age: str) -> None:
    history.run(links=(LinkWritten(1, 101, "email"),))
    history.run(only=(1,))
    history.now -= HALF_AN_HOUR
    text = shown(history, later=timedelta(minutes=minutes))
    assert "The import is healthy. The last one began on 12 January 2026, 12:30 UTC, " in text
    assert f", {age} before this: done, in 2.0 s." in text


def test_after_two_intervals_without_a_success_the_import_is_not_well(history: History) -> None:
    history.run()
    text = shown(history, later=timedelta(minutes=62))
    assert "The import is healthy" not in text
    assert "Stale . No import has succeeded since 2026-01-12 12:30 UTC, 61 minutes ago." in text


def test_an_import_that_has_never_succeeded_is_not_well(history: History) -> None:
    history.run(dry_run=True)
    history.run(only=(1,))
    text = shown(history)
    assert "The import is healthy" not in text
    assert "No import in the last 7 days. Start one: b24-pipeline sync" in text
    assert "Stale . No import has succeeded yet." in text


def test_the_page_says_of_when_it_is_and_when_it_is_too_old_to_be_believed(history: History) -> None:
    history.run()
    text = shown(history)
    assert "as of Monday 12 January 2026, 12:30 UTC" in text
    assert "refreshed at least every two hours while the import runs. If it is older, nothing has run since" in text


def test_a_report_of_nothing_is_a_report(history: History) -> None:
    made = make_report(figures(history.store.database, now=history.now))
    text = Page(made.html).text
    assert "No import in the last 7 days. Start one: b24-pipeline sync" in text
    assert "No import in the last 90 days" in text
    assert all(ET.fromstring(svg).tag.endswith("svg") for svg in re.findall(r"<svg.*?</svg>", made.html, re.DOTALL))


def test_the_headings_say_the_findings(told: Figures) -> None:
    found = {chart.name: chart.heading for chart in charts_of(told)}
    assert found == {
        "people": "1 of 4 candidates are imported",
        "outcomes": "2 of 3 runs went through",
        "time": "A run usually takes 2 s",
        "matches": "1 matched by e-mail, 1 not in CallGear yet",
        "refused": "2 people are rejected or in conflict",
        "links": "1 link was made this week",
        "points": "4 of 2,700 CallGear points are used today",
    }


def test_r09_the_page_says_how_a_mailbox_that_was_passed_on_is_approved(told: Figures) -> None:
    hint = "If the mailbox has passed on: b24-pipeline approve run-3 --user ID"
    reused = replace(told, refused=(Refused("email_reused", (("Heir Ira", 7),)),))
    assert hint in Page(page(reused, [])).text
    assert "approve run-3 --user" not in Page(page(told, [])).text


def headings(history: History) -> dict[str, str]:
    return {chart.name: chart.heading for chart in charts_of(figures(history.store.database, now=history.now))}


def test_a_run_that_died_did_not_go_through(history: History) -> None:
    history.dies()
    history.run()
    history.run(dry_run=True)
    assert headings(history)["outcomes"] == "1 of 2 runs went through"
    assert headings(history)["time"] == "A run usually takes 2 s"
    text = Page(make_report(figures(history.store.database, now=history.now)).html).text
    assert "1 interrupted" in text
    assert "1 dry run" in text
    assert "dry run showed its plan, sent nothing" in text
    assert "interrupted the process ended before the run did –" in text


@pytest.mark.parametrize(
    ("runs", "heading"), [(0, "No run in the last 7 days"), (2, "Only dry runs in the last 7 days")]
)
def test_dry_runs_alone_are_no_runs_that_went_through(history: History, runs: int, heading: str) -> None:
    for _ in range(runs):
        history.run(dry_run=True)
    assert headings(history)["outcomes"] == heading


def test_one_of_something_is_not_spoken_of_as_many(history: History) -> None:
    history.run(callgear_points=1)
    assert headings(history)["outcomes"] == "1 of 1 run went through"
    assert headings(history)["points"] == "1 CallGear point is used today"


@pytest.fixture(scope="module")
def pictures(told: Figures) -> list[str]:
    return [draw(chart) for chart in charts_of(told)]


def test_the_findings_are_the_headings_of_the_pictures_in_the_page(report: Report, pictures: list[str]) -> None:
    assert all(picture in report.html for picture in pictures)
    assert [finding in picture for finding, picture in zip(report.findings, pictures, strict=True)] == [True] * 7


def test_every_picture_is_well_formed_and_small_with_ids_of_its_own(report: Report, pictures: list[str]) -> None:
    assert [ET.fromstring(picture).tag for picture in pictures] == ["{http://www.w3.org/2000/svg}svg"] * 7
    ids = re.findall(r' id="([^"]*)"', report.html)
    assert len(ids) == len(set(ids))
    assert len("".join(pictures)) < 60_000


def test_every_color_follows_the_readers_light_or_dark(pictures: list[str]) -> None:
    drawn = "".join(pictures)
    assert set(re.findall(r"#[0-9a-f]{6}", drawn)) == set()
    assert set(re.findall(r"var\(--(\w+)\)", drawn)) <= {color.name.lower() for color in Color}
    assert "prefers-color-scheme: dark" in stylesheet()


def contrast(one: str, other: str) -> float:
    """The contrast of two colors as WCAG counts it."""

    def luminance(color: str) -> float:
        parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("color", [Color.INK, Color.MUTED, Color.BLUE, Color.AMBER, Color.RED, Color.PURPLE])
def test_every_color_of_a_text_can_be_read(color: Color) -> None:
    assert contrast(color.light, Color.SURFACE.light) >= 4.2
    assert contrast(color.dark, Color.SURFACE.dark) >= 4.5


def test_no_stand_in_is_the_beginning_of_another() -> None:
    assert in_variables(" ".join(color.drawn for color in Color)).split() == [color.css for color in Color]


def test_outcomes_differ_by_sign_and_not_by_color_alone() -> None:
    markers = [marker for _, marker in STATUS_LOOKS.values()]
    assert len(set(markers)) == len(markers)
    assert set(markers) <= set(SIGNS)
    assert {status.value for status in RunStatus} - {RunStatus.RUNNING} <= set(STATUS_LOOKS)


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ([], []),
        ([1, 9], [1, 9]),
        ([5, 5], [4.5, 5.5]),
        ([5, 5, 5], [4, 5, 6]),
        ([1, 5, 5.5], [1, 4.75, 5.75]),
        ([3.4, 4, 4], [2.8, 3.8, 4.8]),
    ],
)
def test_labels_are_pushed_apart_around_their_middle(values: list[float], places: list[float]) -> None:
    assert pushed_apart(values, distance=1) == pytest.approx(places)


def test_the_report_is_private_and_replaced_in_one_step(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")
    target.chmod(0o644)
    write_private(target, "new")
    assert (target.read_text(), stat.S_IMODE(target.stat().st_mode)) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [target]


def test_a_report_that_several_write_at_once_is_always_a_whole_one(tmp_path: Path) -> None:
    target, texts = tmp_path / "report.html", [str(number) * 300_000 for number in range(8)]

    def write_and_read(text: str) -> list[str]:
        found = []
        for _ in range(10):
            write_private(target, text)
            found.append(target.read_text())
        return found

    with ThreadPoolExecutor(len(texts)) as writers:
        found = {text for written in writers.map(write_and_read, texts) for text in written}

    assert found <= set(texts)
    assert list(tmp_path.iterdir()) == [target]


def test_a_report_goes_into_a_folder_that_may_be_written_and_not_listed(tmp_path: Path) -> None:
    target = tmp_path / "drop/report.html"
    target.parent.mkdir()
    target.parent.chmod(0o300)

    bound_by_modes(lambda: write_private(target, "new"))

    target.parent.chmod(0o700)  # else who is not root cannot remove it
    assert target.read_text() == "new"


def test_a_disk_that_is_full_leaves_the_old_report_and_no_half_of_the_new_one(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")

    with no_file_larger_than(100_000), pytest.raises(OSError, match="File too large"):
        write_private(target, "new" * 100_000)

    assert [(path, path.read_text()) for path in tmp_path.iterdir()] == [(target, "old")]
