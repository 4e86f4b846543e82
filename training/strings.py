"""What is copied sign by sign: addresses, file names, numbers of things, names with rare letters, emoji, signs."""

import re
import string
import unicodedata
from collections.abc import Sequence
from random import Random

from frames import add_after, add_before, add_bracket, put_somewhere, replace_name, with_texts
from pairs import Pair

_PHRASES = (
    ("Mehr dazu unter {}.", "More about it at {}."), ("Weitere Informationen: {}", "Further information: {}"),
    ("Besuchen Sie uns auf {}!", "Visit us at {}!"), ("Schreiben Sie uns an {}.", "Write to us at {}."),
    ("Siehe {}.", "See {}."), ("Alles Weitere steht in {}.", "Everything else is in {}."), ("Kontakt: {}", "Contact: {}"),
    ("Öffnen Sie {} und folgen Sie den Anweisungen.", "Open {} and follow the instructions."),
    ("Haben Sie {} gelesen?", "Have you read {}?"), ("{} wurde nicht gefunden.", "{} was not found."),
    ("Bitte senden Sie {} an uns zurück.", "Please send {} back to us."), ("Quelle: {}", "Source: {}"),
    ("Unter {} finden Sie alle Termine.", "You will find all dates at {}."), ("Wir haben {} geprüft.", "We have checked {}."),
)  # fmt: skip
"""Own sentences: German and English with a place for something."""
_ENDINGS = "de de de com com org net at ch eu info io".split()
_SUFFIXES = "pdf txt docx xlsx csv jpg png html py zip json mp3 log conf md".split()
_RARE = "ğşıçöüåæøłśźżćńęąčřžšďťňőűđðþœéèêëàâîôûñãõíóúýÿő"
_RARE_CAPITALS = "ŁŚŻĆČŘŽŠĐÞÅÆØŒÇÉÈÊÑİŞĞÓÚÖÜ"
_ONSETS = "b br d dr f g gr h j k kl kr l m n p r s sh st t tr v w z".split()
EMOJI = "😀😁😂🤣😃😄😅😊😍😎😘🙂🤔😐🙄😢😭😡😱👍👎👏🙏💪✌👋❤💙💚🎉🎂🎁🔥✨⭐☀🌈🌍🚀✅❌⚠💡📷📞📧📅🏠🚗🚲✈🍕🍺☕🐶🐱🌹⚽🎵📚💶🤝👀🤷"
"""Those that stand in ordinary messages most often."""
_SIGNS = tuple(r"© ® ™ → ← ± × ÷ ≤ ≥ ≈ ∞ √ π α β γ Ω · † ‡ ¥ | < > { } \ ′ ″".split())


class Words:
    """Plain words of the pairs, to build addresses and names of files with."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Words of 2 to 14 letters, written without marks, in small letters."""
        found = sorted({w.lower() for text in texts for w in re.findall(r"\b[^\W\d_]{2,14}\b", text)})
        plain = (unicodedata.normalize("NFKD", w.replace("ß", "ss")).encode("ascii", "ignore").decode() for w in found)
        self.all = [w for w in plain if len(w) > 1]

    def draw(self, rng: Random) -> str:
        """A word, or now and then a few letters and digits that make none."""
        if rng.random() < 0.12:
            signs = string.ascii_lowercase + string.digits + (string.ascii_uppercase if rng.random() < 0.3 else "")
            return "".join(rng.choice(signs) for _ in range(rng.randint(2, 8)))
        return rng.choice(self.all)

    def joined(self, rng: Random, most: int, marks: str) -> str:
        """One to `most` words with one of the marks between them."""
        return rng.choice(marks).join(self.draw(rng) for _ in range(rng.randint(1, most)))


def host(words: Words, rng: Random) -> str:
    """The name of a machine: www.beispiel-verlag.de."""
    front = rng.choice(("www.", "www.", "", "", f"{words.draw(rng)}."))
    return f"{front}{words.joined(rng, 2, '-')}.{rng.choice(_ENDINGS)}".lower()


def address(words: Words, rng: Random) -> str:
    """A web address, short or with a path, a query or a mark."""
    start = rng.choice(("https://", "https://", "http://", "", "")) + host(words, rng)
    path = "".join("/" + words.joined(rng, 3, "-_-+") for _ in range(rng.choice((0, 0, 1, 1, 2, 3))))
    query = rng.choice((f"?{words.draw(rng)}={words.draw(rng)}", f"?id={rng.randint(1, 99999)}&lang=de"))
    ends = ("", "", "", "/", f".{rng.choice(('html', 'php', 'pdf'))}", query, f"#{words.draw(rng)}")
    return start + path + (rng.choice(ends) if path else rng.choice(("", "", "/")))


def mail(words: Words, rng: Random) -> str:
    """An e-mail address."""
    return f"{words.joined(rng, 2, '.._-')}@{host(words, rng).removeprefix('www.')}".lower()


def file_name(words: Words, rng: Random) -> str:
    """The name of a file, or a path."""
    stem = words.joined(rng, 3, "_-_ "[:3])
    name = f"{stem.capitalize() if rng.random() < 0.3 else stem}{rng.choice(('', '', '_v2', str(rng.randint(1, 2030))))}.{rng.choice(_SUFFIXES)}"
    folders = [words.draw(rng) for _ in range(rng.randint(1, 3))]
    return rng.choice((name, name, "/" + "/".join([*folders, name]), "C:\\" + "\\".join([*folders, name])))


def code(words: Words, rng: Random) -> str:
    """The number of something: telephone, account, machine, order, version."""
    n = rng.randint
    return rng.choice((
        f"+49 {n(30, 999)} {n(1000, 9999999)}", f"0{n(30, 9999)}/{n(1000, 9999999)}", f"DE{n(10, 99)}{n(10**17, 10**18 - 1)}",
        f"{n(1, 255)}.{n(0, 255)}.{n(0, 255)}.{n(1, 255)}", f"{words.draw(rng)[:3].upper()}-{n(10, 99999)}", f"v{n(0, 20)}.{n(0, 30)}.{n(0, 20)}",
        f"#{n(100, 99999)}", f"{words.draw(rng)}_{words.draw(rng)}", f"{words.draw(rng)}()", f"@{words.draw(rng)}", f"#{words.draw(rng)}",
    ))  # fmt: skip


def addresses(words: Words, pair: Pair, rng: Random) -> Pair | None:
    """A pair with an address, the name of a file or a number in it, now and then in a short sentence of our own."""
    make = rng.choices((address, mail, file_name, code), weights=(5, 3, 2, 2))[0]
    text = make(words, rng)
    if rng.random() < 0.15:
        german, english = rng.choice(_PHRASES)
        return with_texts(pair, german.format(text), english.format(text))
    return put_somewhere(pair, text, text, rng)


def rare_name(rng: Random) -> str:
    """A made-up name with rare letters: Żarćan, Bröğu."""
    letters = [
        letter
        for _ in range(rng.randint(2, 4))
        for letter in rng.choice(_ONSETS) + rng.choice("aeiou") + rng.choice(("", "", "n", "r", "s", "l"))
    ]
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        letters[rng.randrange(len(letters))] = rng.choice(_RARE)
    first = rng.choice(_RARE_CAPITALS) if rng.random() < 0.3 else letters[0].upper()
    return first + "".join(letters[1:])


def names(pair: Pair, rng: Random) -> Pair | None:
    """A pair with a made-up name in the place of one."""
    name = " ".join(rare_name(rng) for _ in range(rng.choice((1, 1, 2))))
    return replace_name(pair, name, name, rng)


def emoji(pair: Pair, rng: Random) -> Pair | None:
    """A pair with one to three emoji at the end or at the beginning."""
    some = "".join(rng.choice(EMOJI) for _ in range(rng.choice((1, 1, 1, 2, 3))))
    if rng.random() < 0.2:
        return with_texts(pair, f"{some} {pair.source}", f"{some} {pair.target}")
    gap = rng.choice((" ", " ", ""))
    return with_texts(pair, f"{pair.source}{gap}{some}", f"{pair.target}{gap}{some}")


def signs(pair: Pair, rng: Random) -> Pair | None:
    """A pair with a sign beside a name, a paragraph of a law, or a list mark."""
    n = rng.randint(1, 400)
    if rng.random() < 0.25:
        mark = rng.choice(("• ", "- ", "– ", "* ", f"{n % 20}. ", f"{n % 20}) ", "→ ", "✅ ", "❌ "))
        return with_texts(pair, mark + pair.source, mark + pair.target)
    law = rng.choice((f"§ {n} BGB", f"§ {n} StGB", f"§§ {n}, {n + 1} ZPO", f"Art. {n % 140 + 1} GG", f"§ {n}"))
    beside = f"{rare_name(rng)} {rng.choice(_SIGNS)} {rng.choice((str(n), rare_name(rng)))}"
    text = law if rng.random() < 0.4 else beside
    place = rng.choice((add_bracket, add_after, add_before))
    return place(pair, text, text, rng)
