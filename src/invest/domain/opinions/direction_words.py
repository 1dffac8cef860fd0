"""The words of direction in pt-BR and en, as patterns over small letters without accents."""

from __future__ import annotations

import re
from decimal import Decimal

EVEN = Decimal("0.004")  # of the reference: nearer than this nobody is above or below it
IN_LINE = Decimal("0.2")  # how far from the reference "in line" reaches
REACH = 48  # characters after a comparison in which its reference stands

LINK = r"(?:\s+(?:em|na|no|levemente|um pouco|bem|muito|mais de|by|a|the))?"
THAN = r"\s+(?:(?:do )?que|than|em relacao|frente|ante|versus|vs|comparad\w+)\b"
VERB = r"(?:\s+(?:em|by)\s+[^.;:()]{1,25}?(?=\s+(?:a|o|as|os|the|its|d[aoe]s?)\b))?"
NO_EDGE = "".join(f"(?<!{noun} )" for noun in ("banda", "limite", "faixa", "parte", "terco", "metade"))
OVER = re.compile(
    rf"\b(?:acima\b|clear(?:s|ed)?(?=\s+(?:the|its)\b)|{NO_EDGE}superior(?:es)?\b|above\b"
    rf"|(?:maior(?:es)?|mais (?:alt[oa]s?|elevad[oa]s?|car[oa]s?))"
    rf"(?={THAN})|(?:higher|greater|larger|dearer|richer|more expensive)(?={THAN})"
    rf"|(?:super(?:a|am|ou|aram|ando)|exced(?:e|em|eu)|ultrapass(?:a|am|ou)|exceed(?:s|ed|ing)?|surpass(?:es|ed)?"
    rf"|beats?|tops|topped)\b{VERB})"
)
UNDER = re.compile(
    r"\b(?:abaixo\b|nao (?:alcanca|atinge|supera|ultrapassa|chega)\b"
    rf"|(?:does not|fails to|failed to) (?:reach|match|exceed|beat)\b|{NO_EDGE}inferior(?:es)?\b|below\b"
    r"|under(?=\s+(?:the|its)\s+(?:own|sector|peer|industry|median|average|book|\d+-day))"
    rf"|(?:menor(?:es)?|mais (?:baix[oa]s?|barat[oa]s?))"
    rf"(?={THAN})|(?:lower|smaller|cheaper)(?={THAN})"
    rf"|aquem\b|(?:trails?|trailed|lags?|lagged|undercuts?)\b{VERB}|(?:falls?|fell|falling|comes?|is) short of)"
)
COMPARES = rf"(?=(?:\s+\w+)?(?:{THAN}|\s+d[ao]s?\b))"  # "mais caro que o setor", not "crédito mais caro para o setor"
DEARER = re.compile(
    r"\b(?:(?:premio|agio)\b(?! de risco)|(?<!risk )premium\b"
    rf"|(?:mais car[oa]s?|dearer|more expensive|richer)\b{COMPARES})"
)
CHEAPER = re.compile(rf"\b(?:(?<!taxa de )desconto\b|discount\b(?! rate)|(?:mais barat[oa]s?|cheaper)\b{COMPARES})")
EVENLY = re.compile(
    r"\b(?:em linha|alinhad[oa]s?|in line|on (?:a )?par)\s+(?:com|with|a[os]?)\b"
    r"|\b(?:proxim[oa]s?|similar|igual|semelhante)s?"
    r"\s+(?:a|ao|aos|d[ao]s?|to)\b(?=[^.;:\d]{0,12}(?:median|setor|pares|propri|histor|sector|peers))"
    r"(?![^.;:\d]{0,12}\b(?:topo|maxim|pico|minim|piso|teto|fundo|top|high|low|bottom))"
)
RATIO = re.compile(
    r"\s*(?:d[aeo]s?|of|than|que|a|ao)?\s*(?:an?|uma?|o|one|dois|tres|two|three)?[\s-]*(?:metade|half|dobro|triplo|quadruplo"
    r"|twice|double|terco|third|quarto|quarter|quinto|fifth)s?\b"
)
SECTOR = re.compile(
    r"\b(?:setor\w*|pares|concorrent\w*|industria|segmento|sector|peers?|industry|rivals?|competitors?)\b"
)
OWN = re.compile(r"\b(?:propri[oa]s?|historic\w*|own|historical|history)\b")
MEDIAN = re.compile(r"\b(?:median\w*|medias?|averages?)\b")
DENIED = re.compile(
    r"\b(?:nao|nem|nunca|sem|tampouco|longe d[eo]|deixou d[eo]|not|no longer|never|neither|nor|isn't|far from|without)"
    r"\s+(?:\w+\s+){0,2}$"
    r"|\b(?:pode\w*|deve\w*|poderia\w*|caso|(?<!-)se|ate|para|antes|riscos?|could|may|might|would|should|if|unless|until"
    r"|to|before|risks?)\b[^.,;]{0,30}$"
    r"|\b(?:ja (?:esteve|estiveram|foi|foram)|estava|used to be|once|had been)\s+(?:\w+\s+)?$"
)
BREAK = re.compile(r"[.;:!?]\s|\s[—–-]\s|,\s+(?:mas|embora|enquanto|com|e|but|while|with|and|despite|apesar)\b")
MULTIPLES = frozenset(("p_l", "p_vp", "p_sr", "p_ebit", "ev_ebit", "ev_ebitda"))
BOOK = re.compile(r"\b(?:valor patrimonial|patrimonio|book value|net asset value)\b")
# Words that are better or worse, not more or less: leverage improves from 2.3x to 1.9x.
BETTER, WORSE = r"melhor(?:ou|aram)|improved", r"pior(?:ou|aram)"
RISE = (
    r"(?:cresce\w*|cresci\w+|avanc\w+|subi\w+|sobe\w*|aument\w+|expand\w+|rose|rises?|grew|grows?"
    r"|increas\w+|climb\w*|advanc\w+|jumped|soared)"
)
FALL = (
    r"(?:ca[ií](?:u|ram|ndo)?|cai|recu(?:a|am|ou|aram|ando)|encolhe\w*|reduzi(?:u|ram|ndo)|diminui\w*|despenc\w+"
    r"|(?:fell|falls?)(?! short)|declin\w+|drop(?:s|ped)?|shr[aiu]nk\w*|decreas\w+|contracted|plunged|tumbled)"
)
CHANGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"lucros?(?: liquidos?)?|net income|(?:net )?profits?|earnings", ("net_income_growth_1y", "net_income_cagr_5y")),
    (r"receitas?(?: liquidas?)?|faturamento|vendas|(?:net )?revenues?|sales", ("revenue_growth_1y", "revenue_cagr_5y")),
    (r"patrimonio(?: liquido)?|equity", ("equity_cagr_5y",)),
)  # fmt: skip
MOVED = tuple(
    (
        re.compile(
            rf"(?<!\bd[aeo] )(?<!\bd[ao]s )(?<!\bof )(?<!\bin )\b(?:{subject})\s+(?:ja\s+|has\s+|have\s+)?"
            rf"(?:(?P<rise>{RISE}|{BETTER})|(?P<fall>{FALL}|{WORSE}))\b"
        ),
        keys,
    )
    for subject, keys in CHANGES
)
OTHER_PERIOD = re.compile(
    r"^\s*[-−]|trimestr\w*|semestr\w*|(?<!12 )(?<!doze )\bmes(?:es)?\b|(?<!\ba )\bquarter\w*"
    r"|(?<!12 )(?<!twelve )\bmonths?\b"
    r"|semi-annual|half-year|\bmais\b|\bmore\b|\b(?:19|20)\d\d\b|\b(?:se|quando|caso|sempre|if|when|whenever)\b"
)
AVERAGES = re.compile(
    r"(?<!\$)(?<!\$ )\b(?P<one>50|200)\b(?![.,]\d|\s*%)(?:[^.;]|\.\d){0,40}?"
    r"\b(?:(?P<over>acima|above|over|supera|maior)|(?P<under>abaixo|below|under|menor))\b"
    r"(?:[^.;]|\.\d){0,25}?\b(?P<other>50|200)\b"
)
BAND = re.compile(
    r"\b(?:(?P<third>terco|third)|(?P<half>metade|half))\s+(?P<pt>superior|inferior|de cima|de baixo)"
    r"|\b(?P<en>upper|lower|top|bottom)\s+(?:(?P<third2>third)|(?P<half2>half))\b"
)
LEVELS: tuple[tuple[str, re.Pattern[str], Decimal], ...] = (
    ("rsi_14", re.compile(r"sobrecompra\w*|overbought"), Decimal(70)),
    ("rsi_14", re.compile(r"sobrevend\w*|oversold"), Decimal(30)),
    ("rsi_14", re.compile(r"^\s*(?:d[eo]s? )?70\b"), Decimal(70)),
    ("rsi_14", re.compile(r"^\s*(?:d[eo]s? )?30\b"), Decimal(30)),
    ("altman_z", re.compile(r"(?:zona|faixa|area) de (?:perigo|risco|estresse|falencia)|distress|danger zone"),
     Decimal("1.81")),
)  # fmt: skip
STATE = re.compile(
    r"\b(?:is|looks|esta|encontra-se|em|in|ja|na zona de|in the)\s+"
    r"(?:(?:em|na|no|in|zona de|territorio de|strongly|now|ja)\s+)*"
    r"(?:(?P<over>sobrecomprad\w+|sobrecompra|overbought)|(?P<under>sobrevendid\w+|sobrevenda|oversold))\b"
)
OF_RSI = re.compile(r"\b(?:rsi|ifr)\b[^.;]{0,30}$")
STATED = Decimal(5)  # points within which an index counts as there
FROM_TO = re.compile(
    rf"\b(?:(?P<rise>{RISE})|(?P<fall>{FALL}))\s+(?:de|d[ao]s?|from)\s+[^;:]{{1,60}}?\s(?:para|to|a)\s+(?:r\$\s*)?(?=\d)"
)
DAYS = re.compile(r"(?<![\d.,])(?P<n>\d{1,3})\s+(?:dias|days)\b")
IN_DAYS = frozenset(("inventory_days", "receivable_days"))
OTHER_DAYS = re.compile(r"\b(?:ultimos|proximos|prazo de|cada|ha|last|past|next|every|within)\s+$")
NEARLY = re.compile(r"\b(?:quase|praticamente|nearly|almost|virtually)(?: em)?\s*$")
JOINS = re.compile(r"\s(?:e|and|mas|but)\s(?!(?:a |de |d[ao]s? |the )*(?:50|200)\b)")
JOINED = re.compile(r"\s*(?:e|and|mas|but|ou|or|nem|nor)\b")
APART = re.compile(r"\b(?:by|em|por)\s+(?:(?:mais|cerca|menos) de |(?:more|less) than |about |nearly )?(?:r\$\s*)?$")
ELIDED = re.compile(
    r"(?:^|[%,;:()–—]|\dx?|\b(?:e|esta|estao|fica|ficam|segue|seguem|permanece|continua|ainda|bem|muito|pouco|negocia"
    r"|is|are|was|stands?|remains?|sits?|runs?|trades?|comes?|still|well|far|just|slightly|and|but|mas))\s*$"
)
ASIDE = re.compile(r"(?:,|\))\s(?:\w+\s){0,3}$")
AGAIN = re.compile(r",?\s(?:e|and|mas|but|porem|yet)\s(?:\w+\s){0,2}$")
FALLEN = frozenset(("drawdown", "max_drawdown_1y", "max_drawdown_5y", "var_95"))
MOST_A_SHARE = Decimal(100_000)  # reais: sums beyond are no prices that a share's could be compared with
YEARS_OF_FIVE = re.compile(
    r"\b(?P<all>todos|all|each|every|(?:em )?cada um)?\s*(?:os |the |of the )?"
    r"(?P<n>um|dois|tres|quatro|cinco|one|two|three|four|five|[1-5])?\s*"
    r"(?:d?os |of the |in the |of (?:its )?)?(?:ultimos |last |past )?"
    r"(?:cinco|five|5) (?:ultimos |last )?(?:anos|years)\b"
)
NUMBERS = {
    "um": 1, "dois": 2, "tres": 3, "quatro": 4, "cinco": 5, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5,
}  # fmt: skip
