"""A crontab line in words, for the common shapes; others are shown as they are."""

from __future__ import annotations

from invest.api.pages.wording import Wording

NAMED = {"sun": "0", "mon": "1", "tue": "2", "wed": "3", "thu": "4", "fri": "5", "sat": "6"}
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def cron_words(line: str, words: Wording) -> str:
    """`every 5 min, 10h-17h, Monday to Friday`."""
    parts = line.split()
    if len(parts) != 5:
        return line
    minute, hour, day, month, weekday = parts
    when = _times(minute, hour, words)
    which = _days(weekday, words)
    if when is None or which is None or month != "*" or (day != "*" and not day.isdigit()):
        return line
    on = words.say("on day {n} of the month", n=day) if day != "*" else which
    return ", ".join(part for part in (when, on) if part)


def _times(minute: str, hour: str, words: Wording) -> str | None:  # noqa: PLR0911 - a table of shapes
    hours = "" if hour == "*" else hour
    if minute.startswith("*/") and minute[2:].isdigit():
        message = words.say("every {n} min", n=minute[2:])
        if not hours:
            return message
        first, _, last = hours.partition("-")
        if first.isdigit() and (last or first).isdigit():
            return f"{message}, {words.say('{first}h to {last}h', first=first, last=last or first)}"
        return None
    if not minute.isdigit():
        return None
    if not hours:
        return words.say("every hour, at minute {n}", n=minute)
    if hours.startswith("*/") and hours[2:].isdigit():
        return words.say("every {n} hours", n=hours[2:])
    given = hours.split(",")
    if all(one.isdigit() for one in given):
        return words.say("at {times}", times=", ".join(f"{int(one):02d}:{int(minute):02d}" for one in given))
    return None


def _days(weekday: str, words: Wording) -> str | None:
    if weekday == "*":
        return ""
    for name, digit in NAMED.items():
        weekday = weekday.lower().replace(name, digit)
    first, dash, last = weekday.partition("-")
    if dash and first.isdigit() and last.isdigit():
        return words.say("{first} to {last}", first=words.say(DAYS[int(first)]), last=words.say(DAYS[int(last)]))
    given = weekday.split(",")
    if all(one.isdigit() and int(one) < len(DAYS) for one in given):
        return ", ".join(words.say(DAYS[int(one)]) for one in given)
    return None
