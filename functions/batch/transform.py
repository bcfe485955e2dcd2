"""Rows to outcomes: what shared/domain/{values,timestamp,rules,identity}.ts do, compiled from the contract to column
expressions. Nothing here runs in Python per row, and no decimal passes through a double."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from fields import MISSING, NOT_TEXT, UNPARSEABLE, WHITESPACE, Contract, csv_fields, json_fields, why

#: U+001F, which no cleaned text contains.
SEPARATOR = "\x1f"

#: A column's type as a function of a trimmed text, not empty, and of whether it may hold what is no text.
Reader = Callable[[Column, Column], Column]


def cleaned(rows: DataFrame, contract: Contract, file_format: str, names: list[str]) -> DataFrame:
    """What becomes of rows (_id, _text) by themselves, one out for each in.

    Of a row that the contract accepts: _id, its columns, line_id. Of any other: _id, _reason, _field, _text, and where
    a rule refuses it, _cleaned, its values as JSON. For CSV, `names` are the contract's columns in the file's order.
    A contract's names begin with a letter, ours do not.
    """
    rows = csv_fields(rows, contract, names) if file_format == "csv" else json_fields(rows, contract)
    columns = contract["columns"]
    timezone = contract.get("timezone", "UTC")
    # Step by step, so that Spark works out once what is used again.
    rows = rows.select("*", *[_value(column, timezone).alias(column["name"]) for column in columns])
    rows = rows.select("*", *[_canonical(column).alias(f"_c_{column['name']}") for column in columns])
    rows = rows.withColumn("_fault", F.coalesce("_fault", *map(_fault, columns)))
    rows = rows.withColumn("_why", F.coalesce("_fault", *[_refusal(rule, columns) for rule in contract["reject"]]))

    accepted = F.col("_why").isNull()
    by_rule = F.col("_fault").isNull() & ~accepted
    parts = [F.coalesce(f"_c_{name}", F.lit("")) for name in contract["identity"]]
    line_id = F.substring(F.sha2(F.concat_ws(SEPARATOR, *parts).cast("binary"), 256), 1, 32)
    return rows.select(
        "_id",
        F.col("_why.reason").alias("_reason"),
        F.col("_why.field").alias("_field"),
        F.when(~accepted, F.col("_text")).alias("_text"),
        F.when(by_rule, _json(columns)).alias("_cleaned"),
        *[F.when(accepted, F.col(column["name"])).alias(column["name"]) for column in columns],
        F.when(accepted, line_id).alias("line_id"),
    )


def _value(column: dict[str, Any], timezone: str) -> Column:
    """The column's value; null where it is absent, or its text is not of the type."""
    text = F.col(f"_t_{column['name']}")
    read = _reader(column, timezone)
    absent = read(F.lit(column["default"]), F.lit(True)) if "default" in column else F.lit(None)
    return F.when(text == "", absent).otherwise(read(text, F.col("_odd")))


def _fault(column: dict[str, Any]) -> Column:
    name = column["name"]
    empty = F.coalesce(F.col(f"_t_{name}") == "", F.lit(False))
    wrong = F.when(~empty, why(UNPARSEABLE, name))
    if not column.get("nullable"):
        wrong = wrong.otherwise(why(MISSING, name))
    return F.when(F.col(name).isNull(), wrong)


def _reader(column: dict[str, Any], timezone: str) -> Reader:
    kind = column["type"]
    if kind == "string":
        return lambda text, odd: _string(text, odd, column)
    if kind == "int":
        return lambda text, _: _int(text)
    if kind == "timestamp":
        return lambda text, _: F.coalesce(*[_timestamp(text, form, timezone) for form in column["formats"]])
    return lambda text, _: _decimal(text, kind)


def _string(text: Column, odd: Column, column: dict[str, Any]) -> Column:
    value = text
    if column.get("stripDecimalZeros"):
        value = F.when(text.rlike(r"\A[0-9]++\.0++\z"), F.substring_index(text, ".", 1)).otherwise(text)
    return F.when((F.length(text) <= column["maxLength"]) & ~(odd & text.rlike(NOT_TEXT)), value)


def _int(text: Column) -> Column:
    number = F.substring_index(text, ".", 1).cast("bigint")
    written = text.rlike(r"\A[+-]?[0-9]{1,18}(?:\.0++)?\z")
    return F.when(written & number.between(-(2**31), 2**31 - 1), number.cast("int"))


#: Of longer numbers only the digits that count are cast: reading all takes the square of their length.
_LONG_NUMBER = 38


def _decimal(text: Column, kind: str) -> Column:
    precision, scale = _decimal_shape(kind)
    whole, fraction = f"[0-9]{{0,{precision - scale}}}", rf"\.[0-9]{{0,{scale}}}"
    written = text.rlike(rf"\A[+-]?(?=\.?[0-9])0*+{whole}(?:{fraction}0*+)?\z")
    counting = F.regexp_replace(text, rf"\A([+-]?)0*+({whole}(?:{fraction})?)0*+\z", "$10$2")
    return F.when(written, F.when(F.length(text) > _LONG_NUMBER, counting).otherwise(text).cast(kind))


def _decimal_shape(kind: str) -> tuple[int, int]:
    precision, scale = re.findall(r"\d+", kind)
    return int(precision), int(scale)


# Times. The patterns let through what timestamp.ts does, days that a month does not have apart: the cast refuses those.
_YEAR = "(?:19|[2-9][0-9])[0-9]{2}"
_DATE = f"{_YEAR}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_HOUR = "(?:[01][0-9]|2[0-3])"
_60 = "[0-5][0-9]"
_AMERICAN = rf"(0?[1-9]|1[0-2])/(0?[1-9]|[12][0-9]|3[01])/({_YEAR}) ((?:[01]?[0-9]|2[0-3]):{_60}"
_PATTERNS = {
    "M/D/YYYY H:MM": rf"\A{_AMERICAN})\z",
    "M/D/YYYY H:MM:SS": rf"\A{_AMERICAN}:{_60})\z",
    "YYYY-MM-DD HH:MM:SS": rf"\A{_DATE} {_HOUR}:{_60}:{_60}\z",
    "YYYY-MM-DD HH:MM:SS UTC": rf"\A({_DATE} {_HOUR}:{_60}:{_60}) UTC\z",
    "ISO 8601": rf"(?i)\A({_DATE})T({_HOUR}:{_60}(?::{_60}(?:[.,][0-9]{{1,6}}0{{0,3}})?)?)"
    rf"(Z|[+-](?:0[0-9]|1[0-8])(?::?{_60})?)?\z",
}
#: How a text becomes one that Spark reads: groups of its pattern.
_READABLE = {"M/D/YYYY H:MM": "$3-$1-$2 $4", "M/D/YYYY H:MM:SS": "$3-$1-$2 $4", "YYYY-MM-DD HH:MM:SS UTC": "$1"}
_FIRST, _LAST = "1900-01-01 00:00:00", "9999-12-31 23:59:59.999999"


def _timestamp(text: Column, form: str, timezone: str) -> Column:
    pattern = _PATTERNS[form]
    here = lambda time: time if timezone == "UTC" else F.to_utc_timestamp(time, timezone)  # noqa: E731
    if form == "ISO 8601":
        local = F.translate(F.regexp_replace(text, pattern, "$1 $2"), ",", ".").cast("timestamp")
        zone = F.regexp_extract(text, pattern, 3)
        minutes = F.when(F.length(zone) > 3, F.substring(zone, -2, 2).cast("bigint")).otherwise(0)
        ahead = (F.substring(zone, 2, 2).cast("bigint") * 60 + minutes) * F.when(zone.startswith("-"), -60).otherwise(
            60
        )
        moved = F.timestamp_micros(F.unix_micros(local) - ahead * 1_000_000)
        time = F.when(zone == "", here(local)).when(F.length(zone) == 1, local).otherwise(moved)
    else:
        time = F.regexp_replace(text, pattern, _READABLE[form]) if form in _READABLE else text
        time = time.cast("timestamp")
        time = time if form.endswith("UTC") else here(time)
    if form != "ISO 8601" and (form.endswith("UTC") or timezone == "UTC"):
        return F.when(text.rlike(pattern), time)
    return F.when(text.rlike(pattern) & time.between(*[F.lit(end).cast("timestamp") for end in (_FIRST, _LAST)]), time)


def _canonical(column: dict[str, Any]) -> Column:
    """A value as the identity and the rules see it: text, null where there is none."""
    value, kind = F.col(column["name"]), column["type"]
    if kind == "timestamp":  # in the session's time zone, which is UTC
        return F.concat(F.translate(value.cast("string"), " ", "T"), F.lit("Z"))
    if kind.startswith("decimal"):  # not a cast, which writes 1E-7
        scale = _decimal_shape(kind)[1]
        return F.call_function("format_number", value, F.lit("0." + "#" * scale if scale > 0 else "0"))
    return value.cast("string")


def _json(columns: list[dict[str, Any]]) -> Column:
    """The row's values as shared/domain writes them: whole numbers as numbers, all others as text."""
    texts = {column["name"]: "" if column["type"] == "int" else "_c_" for column in columns}
    values = [F.col(f"{prefix}{name}").alias(name) for name, prefix in texts.items()]
    return F.to_json(F.struct(*values), {"ignoreNullFields": "false"})


def _refusal(rule: dict[str, Any], columns: list[dict[str, Any]]) -> Column:
    """Why the rule refuses the row, null where it does not; it never refuses null."""
    (column,) = [column for column in columns if column["name"] == rule["column"]]
    name = column["name"]
    text = F.col(f"_c_{name}")
    if "startsWith" in rule:
        prefix = rule["startsWith"].upper()
        # The first letter must be the prefix's own; of the others, what only becomes it in capitals counts too.
        begins = F.substring(text, 1, 1).isin(prefix[0], prefix[0].lower())
        refused = begins & (F.upper(F.substring(text, 1, len(prefix))) == prefix)
    elif "matches" in rule:
        refused = text.rlike(java_pattern(rule["matches"]))
    elif "notIn" in rule:
        refused = ~text.isin(column["enum"] if rule["notIn"] == "enum" else rule["notIn"])
    elif "lessThan" in rule:
        refused = F.col(name) < _number(rule["lessThan"])
    else:
        refused = F.col(name) <= _number(rule["lessThanOrEqual"])
    return F.when(refused, why(rule["reason"], name))


def _number(number: float) -> Column:
    """A number of the contract, exact."""
    exact = Decimal(repr(number))
    _, digits, exponent = exact.as_tuple()
    scale = max(0, -exponent)
    return F.lit(format(exact, "f")).cast(f"decimal({max(len(digits) + max(exponent, 0), scale, 1)},{scale})")


_CLASS_OF = {
    "s": "".join(f"\\x{{{ord(character):x}}}" for character in WHITESPACE),
    ".": r"\n\r\x{2028}\x{2029}",
}


def java_pattern(pattern: str) -> str:
    """A JavaScript regular expression (flag u) as Java spells it, where the two mean different things by the same."""
    spelled, within = "", False
    for token in re.findall(r"\\u\{[0-9a-fA-F]+\}|\\.|.", pattern, re.DOTALL):
        if token == r"\s":
            spelled += _CLASS_OF["s"] if within else f"[{_CLASS_OF['s']}]"
        elif token == r"\S":
            spelled += f"[^{_CLASS_OF['s']}]"  # a class within a class is a union to Java
        elif token.startswith(r"\u{"):
            spelled += r"\x" + token[2:]
        elif within:
            within = token != "]"
            spelled += "\\" + token if token in "[&~" and within else token
        elif token == "[":
            within = True
            spelled += token
        else:
            spelled += {"$": r"\z", "^": r"\A", ".": f"[^{_CLASS_OF['.']}]"}.get(token, token)
    return spelled
