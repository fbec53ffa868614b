"""Names of several scripts; each with the Latin form its e-mail address is made of."""

from dataclasses import dataclass

Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Culture:
    """First and last names that go together, and patronymics where people have them."""

    first: tuple[Name, ...]
    last: tuple[Name, ...]
    patronymics: tuple[str, ...] = ()


def _names(text: str) -> tuple[Name, ...]:
    """Names from a list in which each is followed by its Latin form."""
    pairs = (name.split() for name in text.split(", "))
    return tuple((written, latin) for written, latin in pairs)


RUSSIAN_WOMEN = Culture(
    first=_names("Ирина irina, Ольга olga, Мария maria, Наталья natalya, Екатерина ekaterina, Анна anna, Юлия yulia"),
    last=_names(
        "Смирнова smirnova, Кузнецова kuznetsova, Попова popova, Соколова sokolova, Новикова novikova, "
        "Морозова morozova, Волкова volkova, Щербакова shcherbakova"
    ),
    patronymics=("Павловна", "Сергеевна", "Андреевна", "Игоревна", "Викторовна"),
)
RUSSIAN_MEN = Culture(
    first=_names(
        "Алексей alexey, Дмитрий dmitry, Сергей sergey, Андрей andrey, Фёдор fedor, Павел pavel, Николай nikolay"
    ),
    last=_names(
        "Иванов ivanov, Петров petrov, Васильев vasiliev, Соловьёв solovyov, Зайцев zaitsev, "
        "Борисов borisov, Юдин yudin, Жуков zhukov"
    ),
    patronymics=("Павлович", "Сергеевич", "Андреевич", "Игоревич", "Викторович"),
)
ENGLISH = Culture(
    first=_names("James james, Mary mary, Oliver oliver, Grace grace, Henry henry, Zoë zoe, Siobhán siobhan"),
    last=_names(
        "Smith smith, O'Connor oconnor, Taylor-Jones taylor.jones, Brown brown, Evans evans, "
        "Walker walker, McDonald mcdonald"
    ),
)
ARABIC = Culture(
    first=_names("مريم maryam, عمر omar, فاطمة fatima, يوسف yousef, ليلى layla, خالد khalid"),
    last=_names("حداد haddad, ناصر nasser, المنصوري almansoori, خليل khalil, الشامسي alshamsi"),
)
CHINESE = Culture(
    first=_names("伟 wei, 芳 fang, 秀英 xiuying, 磊 lei, 静 jing"),
    last=_names("王 wang, 李 li, 张 zhang, 陈 chen, 欧阳 ouyang"),
)
JAPANESE = Culture(
    first=_names("陽子 yoko, 健太 kenta, さくら sakura, 翔 sho"),
    last=_names("佐藤 sato, 鈴木 suzuki, 髙橋 takahashi, 渡邉 watanabe"),
)
INDIAN = Culture(
    first=_names("प्रिया priya, राहुल rahul, अनन्या ananya, विक्रम vikram"),
    last=_names("शर्मा sharma, पटेल patel, गुप्ता gupta, सिंह singh"),
)
GREEK = Culture(
    first=_names("Γιώργος giorgos, Ελένη eleni, Νίκος nikos"),
    last=_names("Παπαδόπουλος papadopoulos, Νικολάου nikolaou, Γεωργίου georgiou"),
)
TURKISH = Culture(
    first=_names("İrem irem, Işıl isil, Çağrı cagri, Oğuz oguz"),
    last=_names("Yılmaz yilmaz, Şahin sahin, Öztürk ozturk, İnönü inonu"),
)
GEORGIAN = Culture(
    first=_names("ნინო nino, გიორგი giorgi"),
    last=_names("ბერიძე beridze, მაისურაძე maisuradze"),
)
CULTURES = (
    RUSSIAN_WOMEN,
    RUSSIAN_MEN,
    ENGLISH,
    ARABIC,
    CHINESE,
    RUSSIAN_WOMEN,
    RUSSIAN_MEN,
    ENGLISH,
    JAPANESE,
    INDIAN,
    GREEK,
    TURKISH,
    GEORGIAN,
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
