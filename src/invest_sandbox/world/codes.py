"""Check digits of CNPJ and ISIN."""

from __future__ import annotations

_CNPJ_WEIGHTS = (5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)


def _cnpj_digit(digits: str, weights: tuple[int, ...]) -> str:
    rest = sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11
    return "0" if rest < 2 else str(11 - rest)


def cnpj(root: int, branch: int = 1) -> str:
    """The 14 digits of a CNPJ from its eight-digit root, check digits included (Receita Federal, modulus 11)."""
    body = f"{root:08d}{branch:04d}"
    first = _cnpj_digit(body, _CNPJ_WEIGHTS)
    return body + first + _cnpj_digit(body + first, (6, *_CNPJ_WEIGHTS))


def dotted(digits: str) -> str:
    """``00.000.000/0001-91``, as CVM prints it."""
    return f"{digits[:2]}.{digits[2:5]}.{digits[5:8]}/{digits[8:12]}-{digits[12:]}"


def isin(body: str) -> str:
    """`body` (``BRPETRACNPR``) and its check digit (ISO 6166, Luhn over base-36 digits)."""
    digits = "".join(str(int(c, 36)) for c in body)
    total = 0
    for i, char in enumerate(reversed(digits)):
        value = int(char) * (2 if i % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)
