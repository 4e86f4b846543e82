"""Numbers of both sides are read as values: right translations are not doubted, wrong ones are, and the reason says why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from translate.run.doubts.numbers import find_number_mismatch

CASES = Path(__file__).parent.parent / "data" / "cases.jsonl"

RIGHT = {
    "as it stands": """
        Siehe Kapitel 4.1. | See chapter 4.1.
        Abschnitt 2.10 regelt das. | Section 2.10 governs this.
        Der Server hat die Adresse 10.0.0.138. | The server's address is 10.0.0.138.
        Das Netz ist 192.168.100.0/24. | The network is 192.168.100.0/24.
        Python 3.11.2 ist da. | Python 3.11.2 is out.
        Android 4.4.4 läuft noch. | Android 4.4.4 still runs.
        Version 1.234 ist neu. | Version 1.234 is new.
        Er kam am 1.2.2003 an. | He arrived on 1.2.2003.
        Sprint um 19.30 Uhr | Sprint at 19.30
        Offen 10.00 bis 18.00 Uhr. | Open 10.00 to 18.00.
        Die Note war 1.7. | The grade was 1.7.
        ISO 9001:2015 gilt. | ISO 9001:2015 applies.
        Die ISBN ist 978-3-16-148410-0. | The ISBN is 978-3-16-148410-0.
        Am 2023-11-05 endet es. | It ends on 2023-11-05.
        Platz 3 von 10 | Rank 3 of 10""",
    "dates": """
        Am 5.11.2021 | On 5 November 2021
        Am 05.11.2021 | On November 5, 2021
        Am 5. 11. 2021 | On 5/11/2021
        Am 5.11.2021 | On 11/5/2021
        Am 5.11.21 | On November 5th, 2021
        Am 1. Mai demonstrieren viele. | On the 1st of May many demonstrate.
        Am 1. Mai demonstrieren viele. | Many demonstrate on the first of May.
        Am 3. März 1999 | on March 3rd, 1999
        vom 3. bis 5. Juni | from June 3 to 5
        vom 3. bis zum 5. Juni 2020 | from 3 to 5 June 2020
        am 24. und 25. Dezember | on December 24 and 25
        am 24./25. Dezember | on 24/25 December
        vom 24.-26. Dezember | from December 24-26
        Frist: 31.12. | Deadline: December 31
        Die Anschläge vom 11. September | The 9/11 attacks
        Am 31. Oktober ist Feiertag. | October thirty-first is a holiday.
        im Januar 2022 | in January 2022
        im Mai | in May
        am 2. Jänner 2020 | on 2 January 2020
        Stand: 30.09.2019 | As of Sept. 30, 2019""",
    "clock times": """
        um 18 Uhr | at 6pm
        um 18 Uhr | at 6 p.m.
        um 18 Uhr | at six in the evening
        um 18 Uhr | at six o'clock
        um 18.45 Uhr | at 6:45 p.m.
        um 18:45 Uhr | at 6.45pm
        um 8.05 Uhr | at 8:05 a.m.
        um 0 Uhr | at midnight
        um 24 Uhr | at midnight
        um 12 Uhr mittags | at noon
        um 12 Uhr | at 12 p.m.
        um 12.15 Uhr | at 12:15 pm
        um 0.15 Uhr | at 12:15 a.m.
        um 8 Uhr abends | at 8 p.m.
        um 3 Uhr nachmittags | at 3pm
        um 3 Uhr nachts | at 3 a.m.
        um halb neun | at 8:30
        um halb neun Uhr abends | at 8:30 p.m.
        um halb eins | at half past twelve
        um 19.30 Uhr | at half past seven
        um Viertel nach drei | at 3:15
        um Viertel vor acht | at 7:45 a.m.
        um 7.45 Uhr | at a quarter to eight
        um fünf nach zehn | at 10:05
        zwischen 14 und 16 Uhr | between 2 and 4 p.m.
        von 9 bis 17 Uhr | from 9 to 5
        von 9 bis 17.30 Uhr | from 9 a.m. to 5:30 p.m.
        Mo-Fr 7.30-12.00 Uhr | Mon-Fri 7:30 a.m. to noon
        20 Uhr 15 | 8:15 p.m.
        der 14-Uhr-Termin | the 2 p.m. appointment
        gegen 20.15 Uhr | around 20:15
        um 23 Uhr | at 11 at night
        um Mitternacht | at 12 a.m.
        um acht Uhr | at 8 a.m.
        rund um die Uhr | 24/7""",
    "fractions and small signs": """
        20 m³ Erde | 20 m3 of soil
        20 m² Fläche | 20 square metres of space
        300 km² | 300 sq km
        Der CO₂-Ausstoß sinkt. | CO2 emissions are falling.
        Der CO2-Ausstoß sinkt. | Carbon dioxide emissions are falling.
        H₂O | H2O
        ½ Zitrone | half a lemon
        ½ Zitrone | 1/2 lemon
        2½ Stunden | 2.5 hours
        2½ Stunden | two and a half hours
        2 ½ Stunden | 2 1/2 hours
        ¼ Liter | a quarter of a litre
        ¼ Liter | 0.25 litres
        ¾ Stunde | three quarters of an hour
        ¾ Stunde | 45 minutes
        1/4 der Wähler | a quarter of voters
        2/3 der Mitglieder | two-thirds of the members
        drei Viertel der Mitglieder | 3/4 of members
        ein Fünftel | 1/5
        1,5 Jahre | a year and a half
        1,5 Jahre | one and a half years
        eineinhalb Stunden | 1.5 hours
        zweieinhalb Stunden | 2.5 hours
        dreieinhalb Jahre | 3½ years
        anderthalb Jahre | 18 months
        0,5 Prozent | half a percent
        50 Prozent der Leute | half of the people
        25 % der Leute | a quarter of the people
        10⁶ Zellen | 10^6 cells
        eine Dreiviertelstunde | 45 minutes
        eine halbe Stunde | 30 minutes
        eine Viertelstunde | 15 minutes""",
    "ordinals": """
        der 21. Geburtstag | the 21st birthday
        der 30. Jahrestag | the thirtieth anniversary
        zum 33. Mal | for the thirty-third time
        der 100. Besucher | the hundredth visitor
        der 50. Geburtstag | her fiftieth birthday
        das 18. Jahrhundert | the eighteenth century
        das 19. Jahrhundert | the 1800s
        die 2. Halbzeit | the second half
        die zweite Halbzeit | the 2nd half
        im 3. Quartal | in the third quarter
        die 45. Präsidentschaft | the forty-fifth presidency
        der vierzigste Tag | the 40th day
        Ludwig XIV. | Louis the 14th
        Heinrich der Achte | Henry VIII
        im 1. Stock | on the first floor
        der 1. Preis | first prize
        als Tabellenvierter | in 4th place""",
    "hundreds, thousands, dozens": """
        zweihundert Leute | 200 people
        fünfhundert Euro | €500
        zweitausendfünfhundert Euro | 2,500 euros
        neunzehnhundertneunundachtzig | 1989
        hunderttausend Euro | 100,000 euros
        tausend Euro | 1,000 euros
        1.000 Euro | a thousand euros
        100 Leute | a hundred people
        1900 Leute | nineteen hundred people
        350 Leute | three hundred and fifty people
        2.000 Leute | two thousand people
        1.200 Leute | twelve hundred people
        zwei Dutzend Eier | 24 eggs
        ein halbes Dutzend | 6
        12 Eier | a dozen eggs
        24 Eier | two dozen eggs
        sechs Eier | half a dozen eggs
        12.000 Euro | twelve thousand euros
        achtundvierzig Stunden | 48 hours
        48 Stunden | two days
        vierzehn Tage | two weeks
        14 Tage | a fortnight
        24 Stunden | a day
        10'000 Franken | 10,000 francs
        10 000 Franken | 10,000 francs
        Zehntausende kamen. | Tens of thousands came.""",
    "magnitudes": """
        2 Mio. Euro | 2 million euros
        2 Mio. Euro | €2m
        2,5 Mio. Euro | $2.5 million
        2 Millionen Euro | 2,000,000 euros
        1,2 Mrd. Euro | €1.2bn
        1,2 Milliarden Euro | 1.2 billion euros
        1.200 Millionen Euro | 1.2 billion euros
        drei Milliarden Euro | three billion euros
        drei Milliarden Euro | 3 billion euros
        eine Milliarde | a billion
        eine halbe Million | half a million
        anderthalb Millionen | 1.5 million
        10 bis 15 Millionen | 10 million to 15 million
        zwei bis drei Milliarden | 2-3 billion
        2 Billionen Dollar | 2 trillion dollars
        ein Milliardenverlust | a loss of billions
        Millionen Menschen | millions of people
        ein 3-Milliarden-Paket | a 3 billion package
        500 Tsd. Euro | 500,000 euros
        500.000 Euro | half a million euros
        10 Tausend | 10k
        der Milliardär | the billionaire
        eine Viertelmillion | 250,000
        750.000 | three quarters of a million
        ein paar Millionen | a couple of million""",
    "years and decades": """
        Am 3.4.19 | On 3 April 2019
        die 80er | the 1980s
        die 1980er Jahre | the '80s
        die achtziger Jahre | the 1980s
        die 80er Jahre | the eighties
        die 68er | the 68ers
        die 68er-Generation | the generation of 1968
        1939–45 | 1939–1945
        1939-1945 | 1939-45
        die Saison 2019/20 | the 2019-20 season
        die Saison 2019/2020 | the 2019/20 season
        Sommer '99 | summer of 1999
        die 2010er-Jahre | the 2010s
        die 20er Jahre | the 1920s
        Von 2008/09 an | From 2008-09 on""",
    "signs": """
        -5 Grad | -5 degrees
        minus 5 Grad | -5 degrees
        −5 °C | -5 °C
        -5 Grad | 5 degrees below zero
        5 Grad unter null | -5 degrees
        minus 5 Grad | minus five degrees
        ein Minus von 3 Prozent | a drop of 3 percent
        -3,5 Prozent | down 3.5 percent
        -50 % auf alles | 50% off everything
        +3 Prozent | +3 percent
        10-15 Prozent | 10 to 15 percent
        2 – 3 Tage | 2-3 days
        5-3=2 | 5-3=2
        Seite 5 -3 | Page 5 -3
        Die U-20 siegt. | The U20 wins.""",
    "decimals and thousands": """
        0,05 Prozent | 0.05 percent
        3,0 Prozent | 3 percent
        1.234.567 | 1,234,567
        1.234,5 | 1,234.5
        2,50 Euro | €2.50
        0,750 Liter | 0.75 litres
        12.345 Stimmen | 12,345 votes
        99,9 % | 99.9%
        1,87 m | 187 cm
        50 Cent | €0.50
        5,- Euro | 5 euros
        1,5 km | 1,500 metres
        0,2 | .2
        1.000 Mal | 1000 times
        007 | 007""",
    "codes, phones, units, the rest": """
        PLZ 01067 | postcode 01067
        Tel. 0171/1234567 | phone 0171 1234567
        Tel. 030/12 34 56 | phone 030 123456
        Tel. 030 123456 | phone +49 30 123456
        Die A8 ist gesperrt. | The A8 is closed.
        MP3 und 3D | MP3 and 3D
        5G-Netz | 5G network
        Die Covid-19-Lage | The coronavirus situation
        Die Corona-Lage | The COVID-19 situation
        3:1 gewonnen | won 3-1
        ein 3:1-Sieg | a 3 to 1 win
        im Verhältnis 50:50 | fifty-fifty
        Nr. 1 | number one
        kein Tor | 0 goals
        0 Punkte | no points
        beide Spiele | the 2 games
        zweimal | 2 times
        das Achtelfinale | the last 16
        der Notruf | the 911 call
        ein 200-Meter-Lauf | a 200-metre race
        １２ Euro | 12 euros
        Fünf Leute kamen. | 5 people came.
        100-jähriges Bestehen | centenary
        acht Kilometer weit | five miles away
        30 cm lang | 12 inches long
        10 bis 12 Tage | ten to twelve days
        G7-Gipfel | G-7 summit""",
}  # fmt: skip

WRONG = {
    "factor 1,000": """
        Rund 3.200 Zuschauer | About 3.200 spectators
        1.500 Euro | 1.500 euros
        Super kostet 1,759 Euro. | Premium costs 1,759 euros.
        Die Probe wiegt 2,375 kg. | The sample weighs 2,375 kg.
        12.345 Stimmen | 12.345 votes
        250.000 Euro | 250.000 euros
        250.000 Euro | 250 euros
        3,141 | 3,141
        5.000 Leute | 5 people
        1.250 kg | 1.25 kg
        20.000 Menschen | twenty people""",
    "months and days": """
        Am 13.4.2020 | On 13 May 2020
        Am 24.12.2020 | On November 24, 2020
        Am 3. März | On 3 May
        Am 3. März | On May 3
        im April | in June
        Am 5. Juli 1990 | On July 6, 1990
        Am 1.2.2003 | On 1.3.2003
        Am 24.12. | On October 24
        Seit 1. Januar 2020 | Since 1 January 2021
        am 30. Juni | on July 30
        Im Dezember kam er. | He came in October.""",
    "versions and codes": """
        Version 2.1 | Version 2.10
        Kapitel 3.1 | Chapter 3.10
        Version 2.4.1 | Version 2.1.4
        Adresse 192.168.0.1 | Address 192.168.0.10
        PLZ 04109 Leipzig | Postcode 4109 Leipzig
        Vorwahl 089 | Area code 89
        Kennzahl 0815 | code 815
        Code 007 | code 7
        Raum 0042 | room 42
        Artikel 00423 | item 423
        Rufen Sie 030 1234567 an. | Call 030 1234568.""",
    "magnitudes": """
        3 Milliarden Euro | 3 million euros
        3 Mrd. Euro | €3m
        3 Mio. Euro | 3 billion euros
        2 Billionen | 2 billion
        drei Milliarden | three million
        eine Milliarde Euro | a million euros
        Milliarden Euro | millions of euros
        1,5 Millionen | 1.5 billion
        10 Millionen | 10 thousand
        500.000 Euro | 500 million euros
        der Milliardär | the millionaire
        7 Milliarden Menschen | seven million people""",
    "signs": """
        -5 Grad | 5 degrees
        minus 12 Grad | 12 degrees
        −3 °C | 3 °C
        –7 Grad in der Nacht | 7 degrees at night
        5 Grad | -5 degrees
        Es waren -20 °C. | It was 20 °C.
        Der Saldo beträgt -300 Euro. | The balance is 300 euros.
        Der Wert liegt bei -0,5. | The value is 0.5.
        minus zwölf Grad | 12 degrees
        Der Stand ist -4. | The score is 4.""",
    "fractions": """
        ¾ Liter | ¼ litre
        ½ Liter | ¼ litre
        ¾ Liter | a quarter of a litre
        drei Viertel | a quarter
        zwei Drittel | one third
        2/3 der Stimmen | 1/3 of the votes
        1½ Stunden | 2½ hours
        anderthalb Stunden | 2.5 hours
        5/6 | 1/6
        zweieinhalb Jahre | 3.5 years
        1/4 Liter | 1/2 litre""",
    "clock times": """
        um 17 Uhr | at 7pm
        um 17 Uhr | at 5 a.m.
        um 15.30 Uhr | at 3.30 a.m.
        um 15.30 Uhr | at 4.30 p.m.
        um 9.30 Uhr | at 9.30 pm
        um 20.15 Uhr | at 20:50
        um 12 Uhr | at midnight
        um halb acht | at 8:30
        um 0.30 Uhr | at 1:30 a.m.
        von 8 bis 16 Uhr | from 8 a.m. to 6 p.m.
        um Viertel vor acht | at 8:15""",
    "plain numbers": """
        45 Minuten | 54 minutes
        Im Jahr 1989 | in 1998
        3,5 Prozent | 35 percent
        3,5 Prozent | 3.6 percent
        17 Bücher und 4 Hefte | 17 books and notebooks
        zwölf Menschen | 20 people
        zwölf Menschen | eleven people
        die 80er Jahre | the 1990s
        Saison 2018/19 | 2017/18 season
        zum 25. Mal | for the twenty-sixth time
        dreihundert Euro | 400 euros
        ein Dutzend Eier | 10 eggs
        Ludwig XIV. | Louis the 16th
        1914–18 | 1914–1919
        21 Grad | 12 degrees
        Es stieg stark. | It rose by 12 percent.
        im 19. Jahrhundert | in the 20th century""",
}  # fmt: skip


def pairs(table: dict[str, str]) -> list[tuple[str, str, str]]:
    """Kind, source and target of each line."""
    lines = ((kind, line.strip()) for kind, text in table.items() for line in text.strip().split("\n"))
    return [(kind, *map(str.strip, line.split(" | "))) for kind, line in lines]  # type: ignore[misc]


@pytest.mark.parametrize(("kind", "source", "target"), pairs(RIGHT))
def test_right_numbers_are_not_doubted(kind: str, source: str, target: str) -> None:
    """However each language writes them."""
    assert find_number_mismatch(source, target) == ""


@pytest.mark.parametrize(("kind", "source", "target"), pairs(WRONG))
def test_wrong_numbers_are_doubted(kind: str, source: str, target: str) -> None:
    """Whatever is wrong with them."""
    assert find_number_mismatch(source, target)


def number_cases() -> list[tuple[str, str, bool]]:
    """The reported cases on numbers: source, target, and whether they are to be doubted."""
    cases = map(json.loads, CASES.read_text(encoding="utf-8").split("\n")[:-1])
    return [
        (case["input"]["source"], case["input"]["target"], case["expected"] == "number-mismatch")
        for case in cases
        if "number-mismatch" in case["expected"]
    ]


@pytest.mark.parametrize(("source", "target", "doubted"), number_cases())
def test_the_reported_cases(source: str, target: str, doubted: bool) -> None:
    """What users have met comes out as they rightly expect."""
    assert bool(find_number_mismatch(source, target)) is doubted


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("Rund 2.500 kamen.", "About 2.500 came.", "source has 2.500, target has 2.500: a thousand times less"),
        ("Diesel kostet 1,879 Euro.", "Diesel costs 1,879 euros.", "source has 1,879, target has 1,879: a thousand times more"),
        ("Es sind -12 Grad.", "It is 12 degrees.", "source has 12, target has 12: the sign is lost"),
        ("Die Wahl 2025 wird knapp.", "The election will be close.", "source has 2025, which the target does not have"),
        ("Die Wahl wird knapp.", "The 2025 election will be close.", "target has 2025, which the source does not have"),
        ("Es kostet 3 Milliarden.", "It costs 3 million.", "source has 3 Milliarden, target has 3 million: a thousand times less"),
        ("Im Mai kam er.", "He came in June.", "source has Mai, target has June"),
    ],
)  # fmt: skip
def test_the_reason_says_what_is_wrong(source: str, target: str, reason: str) -> None:
    """In words, with both numbers as they stand."""
    assert find_number_mismatch(source, target) == reason
