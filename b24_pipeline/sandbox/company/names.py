"""Names of several scripts; each with the Latin form its e-mail address is made of."""

from dataclasses import dataclass

Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Culture:
    """First and last names that go together, and patronymics where people have them."""

    first: tuple[Name, ...]
    last: tuple[Name, ...]
    patronymics: tuple[str, ...]


def _culture(first: str, last: str, patronymics: tuple[str, ...] = ()) -> Culture:
    """Read lists of names in which each is followed by its Latin form."""
    names = [[name.split() for name in listed.split(", ")] for listed in (first, last)]
    firsts, lasts = (tuple((written, latin) for written, latin in pairs) for pairs in names)
    return Culture(firsts, lasts, patronymics)


USUAL = (
    _culture(
        "Ирина irina, Ольга olga, Мария maria, Наталья natalya, Екатерина ekaterina, Анна anna, Юлия yulia",
        "Смирнова smirnova, Кузнецова kuznetsova, Попова popova, Соколова sokolova, Новикова novikova, "
        "Морозова morozova, Волкова volkova, Щербакова shcherbakova",
        ("Павловна", "Сергеевна", "Андреевна", "Игоревна", "Викторовна"),
    ),
    _culture(
        "Алексей alexey, Дмитрий dmitry, Сергей sergey, Андрей andrey, Фёдор fedor, Павел pavel, Николай nikolay",
        "Иванов ivanov, Петров petrov, Васильев vasiliev, Соловьёв solovyov, Зайцев zaitsev, Борисов borisov, "
        "Юдин yudin, Жуков zhukov",
        ("Павлович", "Сергеевич", "Андреевич", "Игоревич", "Викторович"),
    ),
    _culture(
        "James james, Mary mary, Oliver oliver, Grace grace, Henry henry, Zoë zoe, Siobhán siobhan",
        "Smith smith, O'Connor oconnor, Taylor-Jones taylor.jones, Brown brown, Evans evans, Walker walker, "
        "McDonald mcdonald",
    ),
)
CULTURES = (
    *USUAL,
    _culture(
        "مريم maryam, عمر omar, فاطمة fatima, يوسف yousef, ليلى layla, خالد khalid",
        "حداد haddad, ناصر nasser, المنصوري almansoori, خليل khalil, الشامسي alshamsi",
    ),
    _culture("伟 wei, 芳 fang, 秀英 xiuying, 磊 lei, 静 jing", "王 wang, 李 li, 张 zhang, 陈 chen, 欧阳 ouyang"),
    *USUAL,
    _culture("陽子 yoko, 健太 kenta, さくら sakura, 翔 sho", "佐藤 sato, 鈴木 suzuki, 髙橋 takahashi, 渡邉 watanabe"),
    _culture("प्रिया priya, राहुल rahul, अनन्या ananya, विक्रम vikram", "शर्मा sharma, पटेल patel, गुप्ता gupta, सिंह singh"),
    _culture(
        "Γιώργος giorgos, Ελένη eleni, Νίκος nikos",
        "Παπαδόπουλος papadopoulos, Νικολάου nikolaou, Γεωργίου georgiou",
    ),
    _culture("İrem irem, Işıl isil, Çağrı cagri, Oğuz oguz", "Yılmaz yilmaz, Şahin sahin, Öztürk ozturk, İnönü inonu"),
    _culture("ნინო nino, გიორგი giorgi", "ბერიძე beridze, მაისურაძე maisuradze"),
)
POSITIONS = (
    "Sales manager",
    "Ведущий инженер",
    "Менеджер по продажам",
    "Support agent",
    "Accountant",
    "Логист",
    "مدير المبيعات",
    "営業",
)
