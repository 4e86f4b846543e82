"""Two sentences → whether a negation is on one side only.

Much says no without `not`: unable, fails, kaum, -los, verzichten. So a doubt is raised only where one side has one plain negation
and the other no word at all that could stand for it. Which words those are was found by counting: on 54,000 pairs that
people made, each of them excuses some right translation. What is lost by it are wrong ones that hold such a word by chance.
"""

from __future__ import annotations

import re

GERMAN = re.compile(r"(?<![\w-])(?:nicht|kein(?:e[nrms]?|s)?|niemals|nie|niemand(?:em|en)?|nichts)(?![\w-])")
GERMAN_IDIOMS = re.compile(
    r"nicht (?:nur|zuletzt|allein|selten|minder|weniger|ohne|anders|schlecht|falsch|mehr|alle\b|zufällig|zu vergessen|\w+los)"
    r"|(?:auch|noch|ob|wenn|, die|bislang|bisher|\bwie) (?:nicht|nie|kein)|nichts (?:als|anderes|desto)|\?|machen wir uns nichts"
    r"|aus dem nichts|kein\w* (?:zweifel|wunder|gering|ander|mehr|ende)"
    r"|(?<!\w)(?:bis|länger|mehr|ohne|kaum|überhaupt|vergess\w*|vergiss|vermeid\w*|warn\w*|un\w+lich\w*)(?!\w)"
)
"""Negations that English often says in another way, and what turns one round."""
ENGLISH_ANSWERS = re.compile(
    r"n['’´`]t\b|\b(?:not|no|never|nobody|none|nothing|nowhere|neither|without|cannot|hardly|barely|scarcely|rare(?:ly)?|seldom|few"
    r"|fewer|little|less|unless|until|lack\w*|fail\w*|refus\w*|refrain\w*|avoid|prevent\w*|ignor\w*|stopp\w+|miss\w*|den(?:y|ied|ies)"
    r"|instead|rather|except\w*|exclud\w*|exclusive\w*|absen\w*|far|free|ever|forb\w+|banned|bans|prohib\w*|wrong\w*|cease\w*|beyond"
    r"|else|another|otherwise|alone|just|yet|still|even|too|than|apart|out|off|minus|void|zero|neglect\w*|forgo\w*|los[ts]|loses|loss"
    r"|ends?|ended|quit\w*|withdr\w*|abst\w+|against|despite|bad\w*|poor\w*|hard|doubt\w*|limit\w*|unlike\w*|reluct\w*|declin\w*"
    r"|down|over|weak\w*|rid|same|cancel\w*|omit\w*|identical|ambiguous|small|don|[cw]ont|cant|dont|(?:is|are|did|does|was|could"
    r"|would|should|have|has)nt|un(?!der|cles?\b|i[oqtv]|til\b)\w+|non\w*|dis(?!c(?:us|ov|ip|s\b)|tr|pl|tan|cu|eas|k|h)\w+|mis\w+"
    r"|il(?:leg|log)\w+|im(?:poss|prob|mat|mob|mor|pat|perf|pract|prec|pass)\w*|irr\w+|\w+less(?:ly|ness)?|[a-z]+-free|anti\w*"
    r"|in(?:ab|acc|act|ad|ap|cap|com|corr|cred|def|dep|dir|dist|eff|eli|exp|form|fin|suf|val|vis|vol|cons|sec|sign|tol|just|het)\w*"
    r"|counter\w*)\b"
)
"""Words of a translation that may stand for a German negation."""

ENGLISH = re.compile(r"\b(?:not|never|nobody|nothing|cannot|no(?= [a-z]))\b|n['’]t\b")
ENGLISH_IDIOMS = re.compile(
    r"\bnot (?:only|least|just|until|to mention|long|all|every|merely|so|too|very|quite|even|really|necessarily|surprisingly)"
    r"|little to no|\bno(?: doubt| wonder| matter| one| longer| more| less| later| fewer| brainer| further|\. ?\d| idea| problem| \d)"
    r"|\b(?:or|if|why|but|than|as|warn\w* \w+) not|\bnever(?: before| mind|-)|\bnothing (?:but|more|less|else)|\?"
    r"|\bcan(?:not|['’]t) (?:help|but|wait)|couldn['’]t (?:help|be|have)|don['’]t (?:know|forget|worry)|wouldn['’]t mind"
    r"|\b(?:nor|neither|without|any(?:thing|one)?|until|unless|before|however|either|yet|much|far|instead|rather|but|ever)\b"
)
GERMAN_ANSWERS = re.compile(
    r"\b(?:nicht\w*|kein\w*|nie\w*|nirgend\w*|weder|ohne\w*|nein|nee|nö|kaum|mitnichten|un(?!d|s\b|ser|ter|i[ovt]|gar|ge[fw])\w+"
    r"|\w+los(?:e[nrsm]?|igkeit)?|miss\w+|\w*verzicht\w*|fehl\w*|\w*mangel\w*|wenig\w*|gering\w*|selten\w*|\w*weiger\w*|\w*lehn\w*"
    r"|verhind\w*|vermeid\w*|vermied\w*|vergess\w*|verlor\w*|verl(?:ier|ust)\w*|leugn\w*|bestr(?:eit|itt)\w*|\w*frei\w*|auß\w*|sondern"
    r"|bevor|ehe|bis|ob|nur|\w*statt|nix|egal|schnuppe|trotz\w*|obwohl|erst|hüt\w+|scheiter\w*|verb[io]\w+|versäum\w*|verpass\w*"
    r"|überseh\w*|übersieh\w*|ignor\w*|bloß|lediglich|allein|anders|sonst|schw[ei]+r\w*|schlecht\w*|falsch\w*|in(?:ak|ef|ko|to|st|di)\w+"
    r"|im(?:mobil|pot)\w*|non\w*|dis\w+|a(?:typ|soz)\w+|zu \w+,? (?:um|als)|mehr|länger|weit|fern|bislang|bisher|noch|leer|vorbei|aus"
    r"|ab\w*|weg\w*|einzig\w*|stopp\w*|still\w*|halt\w*|aufh\w+|zweifel\w*|gegen\w*|wider\w*|entf\w+|entz\w+|entg[ae]\w+|verschw\w+|null"
    r"|warn\w*|gleich|überflüssig\w*|unter\w+|ver(?:schon|bit|wehr|sag|nein)\w*|jemals|je|als|lassen)\b"
)


def find_negation_mismatch(source: str, target: str) -> str:
    """What is wrong with the negation of an English translation of a German sentence; empty if nothing is, or it is not sure."""
    german, english = source.lower(), target.lower()
    said, answered = GERMAN.findall(german), ENGLISH.findall(english)
    if len(said) == 1 and not answered:
        if not ENGLISH_ANSWERS.search(english) and not GERMAN_IDIOMS.search(german):
            return f"source has {said[0]}, and nothing in the target says no"
    elif len(answered) == 1 and not said and not ENGLISH_IDIOMS.search(english) and not GERMAN_ANSWERS.search(german):
        return f"target has {answered[0]}, and nothing in the source says no"
    return ""
