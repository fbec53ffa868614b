"""R04, R06: names and e-mails as they are compared and sent."""

import re
import sys
import unicodedata
from typing import Any, Literal

import pandas as pd
import pytest

from b24_pipeline.rules import normalization
from b24_pipeline.rules.models import Policy
from b24_pipeline_tests.factories import by_user, employees, user

EVERY_WHITE_SPACE = "".join(chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace())


def normalized(column: str, *, policy: Policy | None = None, **fields: Any) -> str | None:
    """One normalized field of one user with these fields."""
    return by_user(employees(user(1, **fields), policy=policy), column)[1]


@pytest.mark.parametrize(
    ("written", "tidy"),
    [
        ("Ирина", "Ирина"),
        ("  Ira ", "Ira"),
        ("Anna  Maria", "Anna Maria"),
        ("Anna\t\n Maria", "Anna Maria"),
        ("\u00a0van\u2003der\u3000Berg\u2028", "van der Berg"),
        ("o'Neil-Šimić", "o'Neil-Šimić"),
        ("zero\u200bwidth", "zerowidth"),
        ("so\u00adft\u2060 \ufeffIra\u200e\u202e", "soft Ira"),
        ("\x00I\x7fra\x9f", "Ira"),
        ("Ira\U000e0041\U000e007f", "Ira"),
        ("Zoe\u0308", "Zoë"),
        ("Zo\u200be\u200b\u0308", "Zoë"),
        ("\u1100\u1161", "가"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("می\u200c\u200d\u200b\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("র\u200d্যা", "র\u200d্যা"),
        ("\u200cعلی\u200d \u200cرضا\u200d", "علی رضا"),
        ("7\u200dB\u200d-\u200dC", "7B-C"),
        ("\u0301\u200da", "\u0301a"),
        ("Ira\ufe0f", "Ira\ufe0f"),
        (f"a{EVERY_WHITE_SPACE}b", "a b"),
        (EVERY_WHITE_SPACE, None),
        ("", None),
        (None, None),
    ],
)
def test_r04_names_are_trimmed_and_inner_white_space_is_collapsed(written: str | None, tidy: str | None) -> None:
    judged = employees(user(1, first_name=written, last_name=written, second_name=written))
    assert [by_user(judged, column)[1] for column in ("first_name", "last_name", "patronymic")] == [tidy] * 3


@pytest.mark.parametrize(
    ("written", "sent", "compared"),
    [
        ("ira@x.test", "ira@x.test", "ira@x.test"),
        (" Ira@X.Test\u00a0", "Ira@X.Test", "ira@x.test"),
        ("STRASSE@x.test", "STRASSE@x.test", "strasse@x.test"),
        ("Straße@x.test", "Straße@x.test", "straße@x.test"),
        ("i\u200bra\u00ad@x\u2060.test\ufeff", "ira@x.test", "ira@x.test"),
        ("\u202aIra@x.test\u202c", "Ira@x.test", "ira@x.test"),
        ("ira\x00@x.test", "ira@x.test", "ira@x.test"),
        ("می\u200cرا@x.test", "میرا@x.test", "میرا@x.test"),
        ("Rene\u0301@x.test", "René@x.test", "rené@x.test"),
        ("J\u030c@x.test", "J\u030c@x.test", "\u01f0@x.test"),
        ("ΙΡΙΣ@x.test", "ΙΡΙΣ@x.test", "ιρις@x.test"),
        ("\u212aira@x.test", "Kira@x.test", "\u212aira@x.test"),
        ("ИРИНА@почта.рф", "ИРИНА@почта.рф", "ирина@почта.рф"),
        (f"{EVERY_WHITE_SPACE}ira@x.test{EVERY_WHITE_SPACE}", "ira@x.test", "ira@x.test"),
        (EVERY_WHITE_SPACE, None, None),
        (None, None, None),
    ],
)
def test_r04_emails_are_sent_tidy_and_compared_in_lower_case(
    written: str | None, sent: str | None, compared: str | None
) -> None:
    assert normalized("email", email=written) == sent
    assert normalized("email_key", email=written) == compared


@pytest.mark.parametrize(
    ("last_name", "in_callgear"),
    [
        ("Lebedeva", "(bitrix24) Lebedeva"),
        (" van  der Berg ", "(bitrix24) van der Berg"),
        ("(bitrix24) Lebedeva", "(bitrix24) Lebedeva"),
        ("  (bitrix24)   Lebedeva", "(bitrix24) Lebedeva"),
        ("(bitrix24)\u00a0Lebedeva", "(bitrix24) Lebedeva"),
        ("(bitrix\u00ad24)\u200b Lebedeva", "(bitrix24) Lebedeva"),
        ("(bitrix24)Lebedeva", "(bitrix24) (bitrix24)Lebedeva"),
        ("Lebedeva (bitrix24) ", "(bitrix24) Lebedeva (bitrix24)"),
        (None, None),
    ],
)
def test_r06_the_prefix_stands_before_the_last_name_and_never_twice(
    last_name: str | None, in_callgear: str | None
) -> None:
    assert normalized("callgear_last_name", last_name=last_name) == in_callgear


@pytest.mark.parametrize(
    ("prefix", "last_name", "in_callgear"),
    [
        ("B24 ", "Lebedeva", "B24 Lebedeva"),
        ("B24-", "B24-Lebedeva", "B24-Lebedeva"),
        ("", "Lebedeva", "Lebedeva"),
        ("[x] ", "[x] Lebedeva", "[x] Lebedeva"),
        ("B24\u00a0", "B24\u00a0Lebedeva", "B24 Lebedeva"),
        ("Büro ", "Bu\u0308ro Lebedeva", "Büro Lebedeva"),
        ("Bu\u0308ro\u200b ", "Büro Lebedeva", "Büro Lebedeva"),
        ("  ", "Lebedeva", "Lebedeva"),
    ],
)
def test_r06_the_prefix_is_a_setting(prefix: str, last_name: str, in_callgear: str) -> None:
    assert normalized("callgear_last_name", last_name=last_name, policy=Policy(last_name_prefix=prefix)) == in_callgear


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Lebedeva", " LEBEDEVA"),
        ("van der  Berg", "Van Der\u00a0Berg"),
        ("WEIß", "weiß"),
        ("J\u030c", "\u01f0"),
        ("Зимин\u00adа", "Зимина"),
        ("ЛЕБЕДЕВА", "Лебедева"),
    ],
)
def test_r09_last_names_agree_whatever_their_case_and_white_space(one: str, other: str) -> None:
    first, second = normalization.name_key(pd.Series([one, other], dtype="str"))
    assert first == second


def test_r09_names_in_other_letters_are_other_names() -> None:
    first, second = normalization.name_key(pd.Series(["Weiß", "WEISS"], dtype="str"))
    assert first != second


def test_r04_texts_that_are_passed_over_are_tidy_already() -> None:
    plain = re.compile(f"[{normalization.PLAIN}]")
    signs = [chr(code) for code in range(sys.maxunicode + 1) if plain.match(chr(code))]
    second_of_composed = {
        unicodedata.normalize("NFD", sign)[-1:] for sign in map(chr, range(0xA0, 0x30000)) if sign.isprintable()
    } - set(signs)
    assert all(sign.isprintable() and not sign.isspace() for sign in signs)
    assert all(unicodedata.normalize("NFC", sign) == sign and not unicodedata.combining(sign) for sign in signs)
    assert "\u0301" in second_of_composed


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC"])
def test_r04_marks_without_end_on_one_letter_are_cut_and_others_are_not(form: Literal["NFC", "NFD", "NFKC"]) -> None:
    text = "Zoë é́ " + "क्षि" * 20
    assert normalization.normal_form(text, form) == unicodedata.normalize(form, text)
    stacked = normalization.normal_form("a" + "\u0316" * 50_000 + "b" + "\u0316" * 5, form)
    assert stacked == "a" + "\u0316" * normalization.MAX_MARKS + "b" + "\u0316" * 5
