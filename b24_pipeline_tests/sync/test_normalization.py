"""R04, R05, R09 through the whole chain: what people type, as it arrives in CallGear."""

import pytest

from b24_pipeline_tests.harness import World


@pytest.mark.parametrize(
    ("in_bitrix24", "in_callgear"),
    [
        ("ira\u200b@x.test\ufeff", "ira@x.test"),
        ("ira@x.test", "\u202aira\u00ad@x.test\u202c"),
        ("rene\u0301e@x.test", "Renée@x.test"),
    ],
)
def test_r04_characters_that_nobody_sees_make_no_second_employee(
    world: World, in_bitrix24: str, in_callgear: str
) -> None:
    employee = world.account.add_employee(last_name="Lebedeva", email=in_callgear)
    ira = world.hire("Lebe\u200bdeva\x00", EMAIL=in_bitrix24)

    world.import_people()

    assert world.links() == {ira: employee}
    assert list(world.employees()) == ["(bitrix24) Lebedeva"]


def test_r04_names_and_emails_are_sent_without_what_nobody_sees(world: World) -> None:
    ira = world.hire("\u200eLebe\u00addeva", NAME="Zoe\u0308\u2060", EMAIL="\ufeffIra@x.test")

    world.import_people()

    employee = world.account.employees[world.links()[ira]]
    assert [employee[name] for name in ("first_name", "last_name", "email")] == [
        "Zoë",
        "(bitrix24) Lebedeva",
        "Ira@x.test",
    ]


@pytest.mark.parametrize("email", ["mailto:ira@x.test", "<ira@x.test>", "ira@x.test,", "ira@x.test."])
def test_r04_an_address_with_something_around_it_is_rejected_by_name(world: World, email: str) -> None:
    world.account.add_employee(last_name="Lebedeva", email="ira@x.test")
    ira = world.hire("Lebedeva", EMAIL=email)

    result = world.import_people()

    assert (world.writes(), result.outcomes()[ira]) == ([], "reject invalid_email: rejected")


@pytest.mark.parametrize(
    ("in_bitrix24", "in_callgear"), [("straße@x.test", "strasse@x.test"), ("ira@xn--e1afmkfd.test", "ira@пример.test")]
)
def test_r09_a_similar_address_is_neither_linked_nor_created(world: World, in_bitrix24: str, in_callgear: str) -> None:
    world.account.add_employee(last_name="Stranger", email=in_callgear)
    ira = world.hire("Lebedeva", EMAIL=in_bitrix24)

    result = world.import_people()

    assert (world.writes(), world.links()) == ([], {})
    assert result.outcomes()[ira] == "conflict similar_email: conflict"


def test_r12_of_two_new_users_with_similar_addresses_one_is_created_and_the_other_waits(world: World) -> None:
    first, second = world.hire("Weiss", EMAIL="weiss@x.test"), world.hire("Weiß", EMAIL="weiß@x.test")

    for _ in range(2):
        result = world.import_people()

    assert list(world.links()) == [first]
    assert result.outcomes()[second] == "conflict similar_email: conflict"


def test_r05_several_numbers_and_extensions_arrive_in_callgears_form(world: World) -> None:
    world.account.add_employee(last_name="Snow", email="snow@x.test")
    world.account.add_employee(last_name="Desk", phone_numbers=[{"phone_number": "78125550101...12", "dial_time": 25}])
    world.hire("Snow", WORK_PHONE="+7 812 555-01-01 #4048; 101")
    world.hire("Lebedeva", WORK_PHONE="+7 812 555-01-01, доб. 12", PERSONAL_MOBILE="12-34-56\n65-43-21")

    for _ in range(2):
        result = world.import_people(on_id_match="refresh")

    assert world.employees() == {
        "(bitrix24) Snow": ["78125550101...4048", "101"],
        "Desk": ["78125550101...12"],
        "(bitrix24) Lebedeva": ["78125550101...12", "123456", "654321"],
    }
    shared = world.account.number_of("78125550101...12")
    assert (shared and shared["dial_time"], result.outcomes()) == (25, {})
