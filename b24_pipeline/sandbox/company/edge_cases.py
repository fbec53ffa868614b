"""The people of the company with a story, and the rules that decide about them."""

from b24_pipeline.sandbox.portal import User
from b24_pipeline.sandbox.types import Json

Table = tuple[User, ...]


def _user(first: str, last: str | None, email: str | None, **more: Json) -> User:
    """A user; None leaves a field out, a short mailbox is one at ``corp.example``."""
    address = f"{email}@corp.example" if email and "@" not in email else email
    named = {"NAME": first, "LAST_NAME": last, "EMAIL": address}
    return {name: value for name, value in named.items() if value is not None} | more


def _outsider(first: str, last: str, email: str, kind: str = "extranet") -> User:
    return _user(first, last, email, USER_TYPE=kind, UF_DEPARTMENT=[])


ADMINISTRATOR = _user("Anna", "Weber", "anna.weber", WORK_PHONE="+49 30 5550100")

WORKING: Table = (
    # R02: no last name, no e-mail address, neither.
    _user("Карина", None, "karina", WORK_PHONE="+7 900 555-90-01"),
    _user("Bo", "   ", "bo"),
    _user("", None, "new.person"),
    _user("Warehouse", "Terminal", None, WORK_PHONE="+1 555 0100"),
    _user("Пётр", "Безымянный", "", SECOND_NAME="Ильич"),
    _user("Reception", "Desk", "   ", WORK_PHONE="+1 555 0101"),
    _user("نور", "الهاشمي", None, PERSONAL_MOBILE="+971 50 555 0102"),
    _user("Ghost", None, None),
    # R02: ``invalid_email``.
    _user("Léa", "Blank", "lea blank@corp.example"),
    _user("Tom", "Noname", "@corp.example"),
    _user("Ivan", "Nodomain", "ivan.nodomain@"),
    {"NAME": "Noa", "LAST_NAME": "Atless", "EMAIL": "noa.corp.example"},
    # R02: rejected in the on-premise edition only.
    _user("Elena", "Floating", "elena.floating", UF_DEPARTMENT=[]),
    _user("Глеб", "Свободный", "gleb", UF_DEPARTMENT=[]),
    # R04 and R06: white space, case, markup, and the prefix that is there already.
    _user("  Marta ", " van  der   Berg ", " Marta.VanDerBerg@Corp.Example "),
    _user("Олеся\u00a0", "Римская-\tКорсакова", "OLESYA"),
    _user("José", "Muñoz Ñandú", "josé"),
    _user("<b>Robert</b>", "'); DROP TABLE users; --", "bobby.tables"),
    _user('=HYPERLINK("#")', "| Pipe | *Star* `Tick`", "markdown"),
    _user("Виктор", "(bitrix24) Ковалёв", "kovalev"),
    _user("Greta", "(bitrix24)Olsen", "greta.olsen"),
    # R05.
    _user("Short", "Number", "short", WORK_PHONE="12"),
    _user("Long", "Number", "long", WORK_PHONE="1234567890123456"),
    _user("Two", "Inone", "two", WORK_PHONE="+7 495 555-01-03, +7 900 555-01-04"),
    _user("No", "Digits", "digits", WORK_PHONE="нет", PERSONAL_MOBILE="-"),
    _user("Лев", "Добавочный", "lev", WORK_PHONE="+7 495 100-20-30 доб. 118"),
    _user("Ext", "Ension", "ext", WORK_PHONE="+44 20 7946 0018 ext. 7"),
    _user("سعيد", "الرقمي", "saeed", PERSONAL_MOBILE="+٩٧١ ٥٠ ٥٥٥ ٠١٠٥"),
    _user("राज", "अंक", "raj", PERSONAL_MOBILE="+९१ ९०० ५५५ ०१०६"),
    _user("全角", "数字", "zenkaku", WORK_PHONE="＋８１ ３ ５５５５ ０１０７"),
    _user("Three", "Digits", "three", WORK_PHONE="911"),
    _user(
        "Thrice",
        "Same",
        "thrice",
        WORK_PHONE="+7 (900) 555-01-08",
        PERSONAL_MOBILE="79005550108",
        PERSONAL_PHONE="7-900-555-01-08",
    ),
    _user("Shared", "Phone", "shared1", WORK_PHONE="+1 555 0109"),
    _user("Shared", "Phonetoo", "shared2", WORK_PHONE="1 (555) 0109"),
    # R01: other kinds of users; the portal never shows the last four.
    _outsider("Ana", "Costa", "ana@partner.example"),
    _outsider("Luís", "Pereira", "luis@partner.example"),
    _outsider("Мила", "Гостева", "mila@partner.example"),
    _outsider("Sam", "Client", "sam@client.example"),
    _outsider("Yui", "Client", "yui@client.example"),
    _outsider("Mail", "User", "somebody@mail.example", "email"),
    _outsider("CoPilot", "Bot", "bot@corp.example", "bot"),
    _outsider("Open", "Channel", "channel@corp.example", "imconnector"),
    _outsider("Partner", "Integrator", "dev@integrator.example", "integrator"),
    # R12: the first of each address has it.
    _user("Nina", "First", "office"),
    _user("Oscar", "Second", "Office"),
    _user("Paula", "Third", " OFFICE@CORP.EXAMPLE "),
    _user("Инна", "Дублёва", "dup"),
    _user("Инна", "Дублёва", "dup"),
)
"""Everybody who was never dismissed."""

DISMISSED: Table = (
    _user("Олег", "Зимин", "o.zimin"),
    _user("Carl", "Gone", "carl.gone", WORK_PHONE="+1 555 0110"),
    _user("هدى", "السابقة", "huda"),
    _user("Left", None, ""),
    _user("Тамара", "Возвратова", "tamara"),
    _user("Ken", "Back", "ken.back"),
)
"""R13: nothing is done about them, for they were never imported; the last two are back, see REHIRED."""

REHIRED: Table = (
    _user("Тамара", "Возвратова", "tamara", WORK_PHONE="+7 900 555-01-11"),
    _user("Ken", "Back", "ken.back"),
)
"""The same people under new ids, with their old addresses."""
