"""Is it a code or a word? What a pattern cannot say of product names, formulas, versions and numbers."""

from __future__ import annotations

import re

Range = tuple[int, int]

IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "CH": 21, "CR": 22,
    "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22,
    "GE": 22, "GI": 23, "GL": 18, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30,
    "KZ": 20, "LB": 28, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MT": 31, "NL": 18,
    "NO": 15, "PK": 24, "PL": 28, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27,
    "TN": 24, "TR": 26, "UA": 29, "XK": 20,
}  # fmt: skip
"""Country → characters of its account numbers without blanks. Source: the IBAN registry of SWIFT."""

ELEMENTS = frozenset(
    """
    H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh
    Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr
    Ra Ac Th Pa U Np Pu
    """.split()
)

COMMON = frozenset("H Li C N O F Na Mg Al Si P S Cl K Ca Ti Mn Fe Ni Cu Zn Br Ag Cd I Ba Pb".split())
"""Those of formulas without a number: `NaCl`, `KBr`. Of others, what looks like a formula is more often an abbreviation."""

TRANSLATED = frozenset(
    """
    AKW BIP BRD DDR EM EU EZB IWF KFZ KKW LKW MWST OB PKW UNO USA WM BGH BVG GG StGB BGB ZPO Abs Art Nr Kap EG UdSSR NS KZ OP
    UN UK UKW TV IT KI PC CD DVD AG GmbH KG OHG MEZ CDU CSU SPD FDP AfD NPD SED FC SV SC VfB VfL TSV BVB HSV ARD ZDF WDR NDR MDR
    SWR BR HR RBB DAX MDAX TecDAX SDAX IBM VW RB ICE IC RE FIFA UEFA NATO
    """.split()
)
"""Abbreviations that have an English form, or stand before a number that is a count and no part of their name."""

VERSIONED = frozenset(
    """
    Windows Python Java JavaScript TypeScript Android Office Excel Outlook Access Ubuntu Debian Fedora Linux Kernel Firefox Chrome
    Chromium Safari Opera Edge Thunderbird Photoshop Illustrator InDesign Acrobat Bluetooth Perl Ruby Rust Go Kotlin Swift Scala Node Node.js React
    Angular Vue Django Flask Rails Laravel Symfony Spring Hibernate Maven Gradle Docker Kubernetes Jenkins Git Apache Nginx Tomcat
    Drupal Joomla Wordpress Typo Oracle Postgres Redis Kafka Spark Hadoop Matlab Mathematica Blender Unity Unreal Galaxy Pixel Kindle Raspberry
    Fritzbox Skype Teams Zoom Visual Xbox Switch Catia Solidworks Exchange Sharepoint Siri Alexa Eclipse Elasticsearch Ansible Terraform
    """.split()
)
"""Names of programs and devices that a number follows as a part of the name."""

NUMBERED = re.compile(
    r"(?:\b(?:Version(?:en)?|Release|Kernel|Firmware|Update|Build|Patch|Ausgabe|Kapitel|Abschnitt|Punkt|Ziffer|Nummer|Nr\.|Anhang"
    r"|Tabelle|Abbildung|Abb\.|Tab\.|Kap\.|RFC|Norm|Standard))\s\Z"
)
"""What stands before a number whose point is no decimal sign."""

ORDINARY = re.compile(r"[A-ZÄÖÜ]?[a-zäöüß]+|\d+(?:[a-zäöüß]{1,3}|[A-ZÄÖÜ]?[a-zäöüß]{2,})?|\d+[.,:]\d+")
"""A part of a compound that is a word, a number, or both: `Kampfjet`, `20`, `90er`, `3fach`, `100Meter`."""
MEASURE = re.compile(
    r"\d+(?:[.,]\d+)?(?:[kMGTPm]?(?:B|Bit|bit|W|V|A|Hz|Wh|Pa|J|N|C|F|K|L|VA|bps|Mbit|Gbit)|PS|KM|MP|MB/s|x\d+)"
)
SUFFIX = re.compile(r"-|(?:rc|alpha|beta|dev|post|pre|a|b)\d*\Z")
MIXED = re.compile(r"[a-z]\d+[a-z]")
PARTS = re.compile(r"[^-]+")
ATOMS = re.compile(r"([A-Z][a-z]?)([0-9₀-₉]*)")
CHARGE = re.compile(r"[⁰¹²³⁴-⁹⁺⁻^+-]+\Z")
YEAR = re.compile(r"(?:1[5-9]|20)\d\d")


def has_iban_length(text: str) -> int:
    """How many characters of the text are an account number, blanks counted; 0 if it is none."""
    wanted = IBAN_LENGTHS.get(text[:2])
    if wanted is None:
        return 0
    seen = 0
    for place, character in enumerate(text, 1):
        seen += character != " "
        if seen == wanted:
            return 0 if text[place : place + 1].isalnum() else place
    return 0


def find_code(token: str) -> Range | None:
    """The part of a token of letters and digits that is a code: `F-16` of `F-16-Kampfjet`; None if all of it is words and numbers."""
    parts = [(part.start(), part.end()) for part in PARTS.finditer(token)]
    while parts and _is_plain(token, parts[-1]):
        parts.pop()
    while parts and ORDINARY.fullmatch(token, *parts[0]) and not token[slice(*parts[0])].isdigit():
        del parts[0]
    if not parts:
        return None
    start, end = parts[0][0], parts[-1][1]
    code = token[start:end]
    if len(code) < 3 or not any(map(str.isdigit, code)) or code.split("-")[0] in TRANSLATED or MEASURE.fullmatch(code):
        return None
    letters = [character for character in code if character.isalpha()]
    odd = any(map(str.isupper, letters)) or "_" in code or "#" in code or MIXED.search(code) is not None
    return (start, end) if odd and not ORDINARY.fullmatch(code) and not _is_word_and_number(code) else None


def _is_plain(token: str, part: Range) -> bool:
    """Whether a compound's last part is none of the code's: a word, an abbreviation, a number alone."""
    text = token[slice(*part)]
    if text.isdigit():
        return part[0] == 0
    return ORDINARY.fullmatch(text) is not None or text in TRANSLATED


def _is_word_and_number(code: str) -> bool:
    """`Covid-19`, `Wort/2`, `1/Wort`: nothing that a translation would spoil."""
    parts = re.split(r"[-./#_+]", code)
    return (
        all(ORDINARY.fullmatch(part) for part in parts)
        and sum(part[:1].isupper() and len(part) > 2 for part in parts) > 0
    )


def is_formula(token: str) -> bool:
    """Whether it is a chemical formula of two atoms or more, some of them counted or of two letters: `H2O`, `NaCl`, `CO₂`."""
    bare = CHARGE.sub("", token.replace("(", "").replace(")", ""))
    atoms = ATOMS.findall(bare)
    if "".join(symbol + count for symbol, count in atoms) != bare or not all(symbol in ELEMENTS for symbol, _ in atoms):
        return False
    counted = any(count for _, count in atoms)
    if len(atoms) < 2:
        return any(count and not count.isascii() for _, count in atoms) or bare in ("O2", "O3", "N2", "H2")
    return counted or (all(symbol in COMMON for symbol, _ in atoms) and not bare.isupper())


def is_phone(text: str) -> bool:
    """Whether it has as many digits as a number that can be dialled, and is no date."""
    digits = sum(map(str.isdigit, text))
    return (6 if text[0] in "+(" else 7) <= digits <= 17 and not re.fullmatch(r"\d{2}/\d{2}/\d{4}", text)


def is_versioned(name: str, number: str, after: str) -> bool:
    """Whether `name number` is one name: `Windows 10`, `iOS 15.2`, `KTM 390`; not `DAX 15`, `WM 2018`, `CDU 30 Prozent`."""
    if name in TRANSLATED or name.upper() in TRANSLATED:
        return False
    if name in VERSIONED:
        return not YEAR.fullmatch(number) or name in ("Windows", "Office", "Visual", "Exchange")
    inner = any(map(str.isupper, name[1:])) and any(map(str.islower, name))
    shouted = 2 <= len(name) <= 5 and name.isupper() and name.isalpha()
    if not (inner or shouted) or YEAR.fullmatch(number):
        return False
    return not re.match(r"\s?(?:%|°|€|\$|[A-ZÄÖÜ]|Mio|Mrd|bis\b|zu\b|gegen\b|von\b)", after)


def is_version(text: str, before: str) -> bool:
    """Whether numbers with points between them are a version: `2.4.1`, `1.0rc2`, `v3.2`; no date, no thousands."""
    if text[0] in "vV":
        return True
    numbers = re.match(r"[\d.]+", text)
    parts = numbers[0].strip(".").split(".") if numbers else []
    if numbers and numbers[0] != text:
        return SUFFIX.search(text, numbers.end()) is not None
    if all(len(part) == 3 for part in parts[1:]):
        return False
    if NUMBERED.search(before):
        return True
    date = len(parts) == 3 and 1 <= int(parts[0]) <= 31 and 1 <= int(parts[1]) <= 12 and len(parts[2]) in (2, 4)
    return len(parts) > 2 and not date
