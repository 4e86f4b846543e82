"""German abbreviations by what may follow them, and the words that only start a sentence with a capital."""

from __future__ import annotations

import enum
import re


class Kind(enum.Enum):
    """What may follow an abbreviation."""

    LEADING = enum.auto()
    """It wants something after it, whatever that is: "bzw. Sie", "vgl. Die Zeit"."""
    SOFT = enum.auto()
    """Ends a sentence only before a word that must start one: "techn. Daten", "Dr. Müller", "der Verf. Danach"."""
    DOUBLE = enum.auto()
    """Also a word or a name, and this before any capital: "Art. 5" and "von seiner Art. Shakespeare"."""
    UNIT = enum.auto()
    """Stands behind a number. What it measures may follow: "3 Mrd. Euro", "5 Min. Pause"."""
    TRAILING = enum.auto()
    """Ends what it belongs to, and before a capital the sentence: "Birnen usw. Kirschen sind aus"."""


_LEADING = """
    abzgl abzügl bes betr btw cf esp vmtl vsl wsl zb bezgl bezügl bspw bzgl bzw ca diesbzgl eigtl einschl etw evt evtl exkl ggf ggfl ggfs gem inkl
    incl insb insbes jd jdm jdn jds jmd jmdm jmdn jmds lt max mind od rd resp sog sogen ungef vgl vlt vll vllt vs wg zB
    zw zzgl zzt
"""

_SOFT = """
    Dipl Doz Dr Dres Fam Frfr Frhr Frl Gebr Gov Hl Hptm Hr Hrn Ing Kapt Kard Kdt Kpt Lic Lt Ltn Mag Maj Mlle Mme Mr Mrs
    Ms Msgr Oberstlt Oblt Obltn Pfc Pfr Präs Prof Rev Sekr Sen Sgt St Ste Uffz Vors Capt Col Cpl Rep Br Exz Fa Flg

    Fut Gd IdNr Lz Num Parl Perf Plusq Prät Sing Tr Vp Vs Zt Geb Zykl Abh Az USt UST

    Abf Abg Abk Abschn Abt Abw Abzw Adj Adr Adv Akk Allg Angekl Anh Ank Anl Anm Anschr Aufl Ausg Ausst Ave Bd Bde Bearb
    Bed Begr Beil Beisp Bem Bez Bf Bhf Bhfs Blvd Bros Bsp Buchst Chr Corp Dat Dept Diss Dtl Durchm Einw Empf Erg Expl
    Fn Forts Frz Gde Gebr Ges Gesch Gew Ggs Gr Hbf Hd Hg Hptst Hrsg Hs Hss Hzg Inc Ind Inf Inh Inst Jb Jg Jgg Jhrg Joh
    Jr Kap Kfm Kl Konj Koord Krs Kto Landkr Ldkr Lfg Lief Lkr Ltd Masch Mitgl Mwst MwSt Nachf Nachm Nachtr Niederl Nom
    Nr Nrn Obb Obj Orig Pers Pkt Pl Plur Proz Präp Rdnr Rgt Rhld Rn Rs Rz Schr Sg Slg Sp Spez Sr Str Subst Tab Tel Temp
    Tit Trad Übers Umg Univ Ust USt Verf Verl Vers Verw Vollm Vorb Vorst Westf Whg Wwe Ziff Zit Zs Zschr Ztg Ztr Ztschr
    Zub Abb Abs Bdch Cap Fig Fußn Hft Mt Nro Par Th Thl Prov Stellv Stv

    abgek abgel ahd akad akt aktual altdt altfranz alttest amerikan bw ct cts eff fr ggT grds kart no parl prof sen sp spp
    sva svw sw staatl öffentl gesetzl tel tlg zt zz allg altgr amerik amer anschl arab aram asiat aufgr ausf ausg ausschl ausw autom bayer
    bayr bearb befr begr beif beisp belg berufl best bez bildl biol brit bulg böhm chem chin chines chr cresc dass ders
    dergl desgl dgl dial dt dtsch durchg durchges durchschn dän ebd ebf ed ehem eidg eig elektr engl entspr entst entw
    erm ersch erw etym europ ev evang exzl fachspr fam fem ff fig finn fläm fortl frdl freiw franz frz geb gebr gedr
    gefl gefr geg gegr geh gek geleg gen geogr geolog germ ges gesch geschl gest gew gez ggü gleichbed gramm griech
    größtent halbj hebr hess hg hist histor hl hochd hochdt holl hrsg hypoth idg ill indog intern iron isl isr ital jap
    jew jun jur jüd kath kathol kaufm kfm kgl kl klass komm kompl konst kub landsch landw lat led lfd lfm lit luth masch
    mask math mdal med mhd mil milit mod mtl mus myth nachf nachm nat neutr nhd niederl nnd nordamerik nordd nordwestd
    norw obb oec offiz offz op orth osteurop ostd österr ostdt orig phil philos poln polit port priv pros prot prov
    psych reg rel relig renov röm roman rumän russ sanskr schott schwed schweiz schwäb sel serb slaw soz sozialpsych span
    spez spätlat staatsb städt std stellv stud stv südamerik südd süddt syn syr teilw techn telef theol tlw tgl tschech
    türk übers übertr überw überarb übl ugs umgangsspr ung ungar univ unbek unbest unregelm unveränd urk urspr
    veralt verb verbr vereinf verg verh verk verm veröff versch verst verw verz volkst vollst vorauss vorgeschr
    vorl vorm vorw wahrsch westd westdt westf wirtsch wiss wissensch württ zahlr zeitgen zeitw zit zool zugel zul zus
    zuzügl zyl ägypt äg
"""

_DOUBLE = """
    Apr Art Aug Bl Dez Di Do Ed Feb Febr Jan Jul Jun Jän Kat Mi Mo Mrz Mär März No Nov Okt Op Part Pat Pos Sa Sep Sept So Vol
"""

_UNIT = """
    Mrd Mio Tsd Bio Mill Trd Std Stdn Min Sek Jh Jhd Jhdt Jhdts Jahrh Jt Stck Stk Pf Pfd Dtzd Kr Rbl Wo Mon Mt Fr sec min
    sek std mio mrd tsd
"""

_TRAILING = "Cie Co Usw al etc plc pp usf usw uswusf"

_KINDS: dict[str, Kind | None] = {
    word: kind
    for kind, words in (
        (Kind.SOFT, _SOFT),
        (Kind.LEADING, _LEADING),
        (Kind.DOUBLE, _DOUBLE),
        (Kind.UNIT, _UNIT),
        (Kind.TRAILING, _TRAILING),
    )
    for word in words.split()
}
KINDS_AT_START: dict[str, Kind | None] = {
    word.capitalize(): kind for word, kind in _KINDS.items() if word.islower()
} | _KINDS
"""The same and those that get a capital where a sentence starts: "Südl. der Stadt", "Max. Gewicht"."""

_NAMES = """
    Max Sog Hess Pol Port Phil Rel Verb Jur Iron Med Mus Prot Dial Syn Led Lit Priv Span Ill Nat Mod Erm Best Met Al Math
    Bes Rd Gen Mind Klass Pros Kub Ung Prov Trans Eff Mil Fig Sel Chin Kart Gew Gesch Get Akt Sp No Sen St
"""

KINDS: dict[str, Kind | None] = KINDS_AT_START | dict.fromkeys(_NAMES.split()) | _KINDS
"""What an abbreviation is within a sentence: adjectives have a capital in names, "die Ev. Kirche", unless they are words."""

KINDS_OF_PARTED = {
    word: kind
    for kind, words in (
        (
            Kind.SOFT,
            """
            a.d a.e a.g a.o a.v a.m a.s d.a d.c d.l d.v e.k e.u e.v g.m.b.h i.g i.l i.r k.a k.u.k m.b.h n.b n.chr n.n
            n.u.z n.y o.b o.j o.o o.ä p.a p.m s.o s.p.a s.u u.k u.s u.ä v.chr v.u.z w.o l.a
            """,
        ),
        (Kind.TRAILING, "a.a.o a.m.e o.dgl q.e.d r.i.p u.a.m u.dgl u.s.a u.s.f u.s.w u.v.a u.v.a.m u.v.m z.d.a"),
    )
    for word in words.split()
}
"""Abbreviations of several parts, in lower case and without blanks; all others lead on: "z. B.", "d. h.", "J. S."."""

MULTIPLES = frozenset("Mrd Mio Tsd Bio Mill Trd".split())
"""What is counted comes behind them, and is seldom left out."""

TITLES_OR_WORDS = {
    "Dir": re.compile(r"(?:\A\W*|\b(?:[Dd]er|den|dem|vom|beim|zum|Herrn?|Frau|und)\s(?:\w+e[nr]?\s)?|\.\s)\Z"),
    "Gen": re.compile(
        r"(?<!das )(?<!ein )(?<!kein )(?<!dieses )(?<!jedes )(?<!es )(?<!am )(?<!im )(?<!ans )(?<!ins )\Z"
    ),
}
"""Titles that are words behind anything else: "mit Dir", "ein Gen", but "der Dir. Müller"."""

LEGAL_FORMS = frozenset("KG KGaA OHG GmbH AG Inc Ltd LLC SE Limited Corp".split())
"""What may stand behind "& Co."."""

ANSWERS = frozenset("Ja Nein Danke Ok Okay Hallo Gut Super Schade Genau Richtig Stimmt Toll Perfekt Klar Bitte".split())
"""What is a sentence by itself, though a small letter follows."""

INTERJECTIONS = frozenset("hm hmm mhm pst psst brr grr pff pfft ts tss sch schh hrm".split())
"""Words without a vowel."""

VOWEL = re.compile(r"[aeiouyäöüáàâéèêíóôúœæ]", re.IGNORECASE)
"""A word with a vowel; shortened ones may have none: "Rdnr.", "tgl."."""

TRUNCATED = re.compile(
    r"(?:[bcdfgkmnpstwxzß]l|chl|(?:[äöü]h?|eh|[a-zäöüß]{3}e)rl|ch[nmr]|[bdgkpt]r|[a-zäöüß]nr|[a-zäöüß]str)\Z"
)
"""No German word ends so, unless it was cut short: "tägl.", "erhältl.", "techn.", "elektr.", "Hausnr.", "Bergstr."."""

STARTERS = frozenset(
    """
    Der Die Das Den Dem Des Dies Diese Dieser Dieses Diesem Diesen Ein Eine Einer Eines Einem Einen Kein Keine Keiner
    Keinen Keines Keinem Ich Du Er Es Wir Ihr Sie Man Mir Mich Uns Ihm Ihn Ihnen Ihre Ihren Ihrem Ihrer Ihres Sein Seine
    Seinen Seinem Seiner Seines Mein Meine Meinen Meinem Meiner Dein Deine Unser Unsere Unseren Unserer Jeder Jede Jedes
    Jene Jener Jenes Alle Alles Viele Vieles Einige Einiges Manche Mancher Mehrere Beide Beides Andere Anderes Niemand
    Nichts Jemand Etwas Solche Wer Was Wo Wie Wann Warum Wieso Weshalb Woher Wohin Womit Wobei Welche Welcher Welches
    Und Oder Aber Denn Sondern Doch Jedoch Dass Daß Ob Wenn Weil Da Als Obwohl Während Nachdem Bevor Bis Damit Sodass
    Sobald Solange Falls Indem In Im An Am Auf Aus Bei Beim Mit Nach Seit Vom Von Zum Zur Zu Für Durch Gegen Ohne Um Über
    Unter Vor Zwischen Neben Hinter Trotz Wegen Laut Ab Innerhalb Außerhalb Gegenüber Auch Nur Noch Schon So Hier Dort
    Dann Nun Jetzt Heute Gestern Morgen Nicht Nie Niemals Immer Ja Nein Also Deshalb Deswegen Daher Darum Dabei Dazu
    Danach Dafür Dagegen Daraus Darauf Daran Darin Darüber Darunter Dadurch Davon Davor Daneben Dahinter Damals Seitdem
    Trotzdem Allerdings Außerdem Zudem Ferner Sonst Ansonsten Bereits Bisher Etwa Mehr Sogar Insgesamt Schließlich
    Zunächst Zuerst Später Früher Zuletzt Letztlich Vielleicht Natürlich Leider Selbst Somit Inzwischen Mittlerweile
    Dennoch Gleichzeitig Bald Oft Manchmal Plötzlich Endlich Anschließend Daraufhin Hingegen Stattdessen Tatsächlich
    Offenbar Angeblich Wahrscheinlich Vermutlich Ebenso Ebenfalls Eigentlich Erst Erstmals Fast Genau Gerade Irgendwann
    Kaum Meist Meistens Besonders Derzeit Demnach Insbesondere Übrigens Weder Weiterhin Zwar Überall Freilich Hoffentlich
    Immerhin Jedenfalls Ist Sind War Waren Hat Hast Hatte Hatten Habe Wird Werden Wurde Wurden Kann Kannst Könnte
    Könnten Soll Sollte Sollten Muss Musste Darf Dürfen Möchte Bist Seid Gibt Komm Lass Würde
    Würden Wäre Wären Bitte Danke Sehr Vielen Guten Hallo Okay
    """.split()
)
"""Words that German writes with a capital only where a sentence starts (or the polite Sie, Ihr)."""

FUNCTION_WORDS = frozenset(
    """
    der die das den dem des eine einen einem einer eines und oder aber von vom zum zur in im am für beim gegen ohne sowie
    als seine ihre meine keine dieser diese dieses
    """.split()
)
"""Words that end no sentence: what is left out behind them is in its midst ("die … Regierung")."""

LETTERED = re.compile(
    r"(?:vitamine?|plan|hepatitis|klasse|gruppe|serie|typ|typs|variante|punkt|block|teil|note|größe|stufe|liga"
    r"|buchstabe|kategorie|fall|modell|version|halle|gebäude|haus|linie|spalte|zeile|anhang|anlage|schritt|option"
    r"|ziel|zone|team|gleis|eingang|influenza|virus|generation|abschnitt|kapitel|artikel|baureihe|reihe|produkt|firma"
    r"|partei|kandidat|kurs|level|szenario|flügel|trakt|terminal|ebene|tarif|bezirk|feld|position|phase|system"
    r"|stelle|station|stadt|dorf|paket|sorte|lösung|methode|alternative|aufgabe|frage|antwort|route|strecke|auto|wagen"
    r"|seite|saal|raum|zimmer|studio|tabelle|formel|faktor|omega|layer|satz|element|objekt|straße|wohnung|farbe|taste|agent)\Z"
    r"|\A(?:tor|bus|ort|person|land|mr\.)\Z",
    re.IGNORECASE,
)
"""What is named by a letter: "Vitamin D", "Blutgruppe B", "Plan B"."""

COUNTED = re.compile(
    r"(?:.*(?:armee|auflage|division|jahrgang|minute|s[yi][mn](?:ph|f)onie|weltkrieg|woche|liga|klasse|runde|jahrhunderts?"
    r"|jahrtausends?|stock|stockwerk|etage|geschoss|[st]tag(?:es|s)?|jahr(?:es|s)?|jubiläum|grade?s?|bezirk|etappe|staffel"
    r"|klässler[sn]?|konferenz|semesters?|quartals?|dynastie|instanz|senat|generation|regiment|bataillon|kompanie|brigade"
    r"|kongress|sitzung|ausgabe|festspiele|etappe|infanterie)"
    r"|halbzeit|mal|og|ug|platz|rang|tag|tages|lesung|stufe|jhd?t?s?|jahrh|aufl|jg|kl|hj|etg|folge|akt|aufzug|gang)\Z",
    re.IGNORECASE,
)
"""What ordinals are followed by without an article, too: "in 2. Auflage", "ab 5. Klasse", "14. Minute:"."""

MONTHS = frozenset(
    """
    Januar Jänner Jan Jän Februar Feber Feb Febr März Mär Mrz April Apr Mai Juni Jun Juli Jul August Aug September Sept
    Sep Oktober Okt November Nov Dezember Dez
    """.split()
)

FINITE = re.compile(
    r"(?:ist|sind|war|waren|hat|haben|wird|werden|wurden?|kann|können|konnten?|muss|müssen|soll|sollen|will|wollen|darf|mag"
    r"|(?:aß|bat|bekam|blieb|brach|dachte|fand|fiel|flog|floh|fuhr|gab|galt|gewann|ging|griff|half|hielt|hieß|kam|lag|las|lief"
    r"|lieh|ließ|log|nahm|rief|sah|sang|sank|saß|schien|schlief|schlug|schrie|schrieb|schwamm|schwieg|sprach|sprang|stand"
    r"|starb|stieg|stritt|traf|trank|trat|trug|verlor|verschwand|versprach|warf|wuchs|wusste|zog)(?:en)?"
    r"|bleiben|fehlen|feiern|finden|fordern|geben|gehen|glauben|halten|hoffen|kommen|kritisieren|machen|meinen|protestieren"
    r"|rechnen|sagen|sehen|sprechen|stehen|streiten|suchen|tragen|warnen|warten|zahlen|zweifeln"
    r"|[a-zäöüß]{3,}te|[a-zäöüß]{2,}t)\Z"
)
NOT_FINITE = re.compile(
    r"(?:mit|seit|statt|nicht|jetzt|laut|fast|erst|meist|leicht|dort|samt|weit|gut|ge\w+t|be\w+t|ver\w+t|ent\w+t|er\w+t"
    r"|zer\w+t|damit|somit|heute|bitte|hätte|zuletzt|überhaupt|insgesamt|oft|selbst|sonst|sofort|längst|höchst|zunächst"
    r"|gesamte|letzte|erste|zweite|dritte|rechte|alte|bunte|echte|harte|kalte|laute|weite|leichte|gute|beste|nächste)\Z"
)
"""Endings of finite verbs, and other words that end so."""
