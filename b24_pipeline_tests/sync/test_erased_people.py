"""An erased person stays erased through later runs, while they are no candidate; nothing else changes."""

from b24_pipeline import audit, schemas
from b24_pipeline.audit.erasure import erase_person
from b24_pipeline.change_detection import known_users
from b24_pipeline_tests.harness import World

ERASED = 1
MAIL = b"person1@x.test"
TEXTS = (MAIL, b"Person1")


def files_that_name_them(world: World) -> list[str]:
    """The files of the database that hold the person's name or address."""
    files = sorted(world.paths.published.parent.glob("b24*"))
    return [path.name for path in files if any(text in path.read_bytes() for text in TEXTS)]


def test_who_is_left_out_by_address_is_not_stored_again_and_stays_out_of_scope(imported: World) -> None:
    imported.set(B24_PIPELINE_EXCLUDE_EMAILS="person1@*")
    erase_person(imported.paths, "1", now=imported.clock.now())

    result = imported.import_people()

    assert (result.status, result.counts.out_of_scope, result.counts.rejected) == ("done", 1, 0)
    assert (files_that_name_them(imported), len(imported.links())) == ([], 9)


def test_a_mailbox_of_an_erased_person_is_still_not_passed_on_by_itself(imported: World) -> None:
    erase_person(imported.paths, "1", now=imported.clock.now())
    imported.portal.dismiss(ERASED)
    heir = imported.hire("Heir", EMAIL=MAIL.decode())

    result = imported.import_people()

    assert result.outcomes()[heir] == "conflict email_reused: conflict"
    with imported.database() as database:
        account = audit.history.snapshot(database, schemas.CallGearEmployees).set_index("callgear_id")
        assert account.loc[imported.links()[ERASED], "last_name"] == "(forgotten)"


def test_an_erased_person_who_is_a_candidate_is_imported_and_stored_again(imported: World) -> None:
    erase_person(imported.paths, "1", now=imported.clock.now())

    imported.import_people()

    with imported.database() as database:
        user = audit.history.snapshot(database, schemas.Users).set_index("bitrix24_id")["email"][1]
        employee = audit.history.snapshot(database, schemas.CallGearEmployees).set_index("callgear_id")["email"][
            imported.links()[1]
        ]
    assert [user, employee] == ["person1@x.test"] * 2


def test_r17_the_sensor_does_not_take_for_an_edit_what_is_not_stored(imported: World) -> None:
    stranger = imported.hire("Stranger", EMAIL="left@out.test")
    imported.set(B24_PIPELINE_EXCLUDE_USERS=str(stranger))
    imported.import_people()
    assert stranger in known_users(imported.paths).not_linked

    erase_person(imported.paths, str(stranger), now=imported.clock.now())

    assert stranger not in known_users(imported.paths).not_linked
