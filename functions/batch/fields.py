"""A row's text as fields: CSV and JSON, exactly as shared/domain/csv.ts and json.ts read them, in column expressions.

Regular expressions run in Java. Every loop in them is possessive: Java takes those without recursion, so a field of
megabytes does not overflow its stack, and tries nothing twice, so no text makes them slow.
"""

from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

Contract = dict[str, Any]

#: What JavaScript's trim takes away (ECMAScript: WhiteSpace and LineTerminator).
WHITESPACE = (
    "\t\n\v\f\r \u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
#: Control characters but tab, line feed and carriage return: they are no text.
NOT_TEXT = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"

MISSING = "missing"
UNPARSEABLE = "unparseable"


def trimmed(text: Column) -> Column:
    return F.btrim(text, F.lit(WHITESPACE))


def why(reason: str, field: str | Column) -> Column:
    """Why a row is refused."""
    return F.struct(F.lit(reason).alias("reason"), (F.lit(field) if isinstance(field, str) else field).alias("field"))


# CSV. A quote opens a field only at its start; text behind the closing quote belongs to the field.
QUOTED = r'"[^"]*+(?:""[^"]*+)*+"'
FIELD = rf'(?>{QUOTED}|(?!"))[^,]*+'
#: A longer row is cut to as many fields as can matter before all are taken out of it.
_LONG_ROW = 4096


def csv_fields(rows: DataFrame, contract: Contract, names: list[str]) -> DataFrame:
    """Rows of CSV (_id, _text) with their fields, of which `names` names the contract's column.

    Adds `_fault`, where there are more or fewer fields than names; `_odd`, true where a field may hold what is no text;
    and for each column of the contract its trimmed text `_t_NAME`, empty where the file does not have it.
    """
    width = len(names)
    text = F.col("_text")
    long = F.length(text) > _LONG_ROW
    short = F.when(long, F.regexp_extract(text, rf"\A{FIELD}(?:,{FIELD}){{0,{width}}}+", 0)).otherwise(text)
    quoted = F.regexp_extract_all(F.concat(F.lit(","), short), F.lit(f",({FIELD})"), F.lit(1))
    rows = rows.withColumn("_fields", F.when(text.contains('"'), quoted).otherwise(F.split(text, ",", width + 1)))

    found = F.size("_fields")
    missing = why(MISSING, F.element_at(F.array(*map(F.lit, names)), found + 1))
    fault = F.when(found > width, why(UNPARSEABLE, f"column {width + 1}")).when(found < width, missing)
    field = {name: _unquoted(F.get("_fields", F.lit(at))) for at, name in enumerate(names)}
    texts = [trimmed(field.get(name, F.lit(""))).alias(f"_t_{name}") for name in _columns(contract)]
    return rows.select("_id", "_text", fault.alias("_fault"), text.rlike(NOT_TEXT).alias("_odd"), *texts)


def _unquoted(field: Column) -> Column:
    within = F.regexp_extract(field, r'\A"([^"]*+(?:""[^"]*+)*+)"', 1)
    behind = F.regexp_replace(field, rf"\A{QUOTED}", "")
    return F.when(field.startswith('"'), F.concat(F.replace(within, F.lit('""'), F.lit('"')), behind)).otherwise(field)


def _columns(contract: Contract) -> list[str]:
    return [column["name"] for column in contract["columns"]]


# JSON (RFC 8259). Values nested deeper than the pattern are left to Jackson.
_LEVELS = 4
_GAP = r"[ \t\n\r]*+"
_STRING = r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
_NUMBER = r"-?+(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?+[0-9]++)?+"
_SCALAR = rf"{_STRING}|{_NUMBER}|true|false|null"


def _enclosed(begin: str, member: str, end: str) -> str:
    return rf"{begin}{_GAP}(?:{member}{_GAP}(?:,{_GAP}(?!{end})|(?={end})))*+{end}"


def _value(levels: int) -> str:
    if levels == 0:
        return f"(?>{_SCALAR})"
    value = _value(levels - 1)
    member = f"{_STRING}{_GAP}:{_GAP}{value}"
    return "(?>" + "|".join([_SCALAR, _enclosed(r"\[", value, r"\]"), _enclosed(r"\{", member, r"\}")]) + ")"


_VALUE = _value(_LEVELS)
_MEMBER = f"{_STRING}{_GAP}:{_GAP}{_VALUE}"
_OBJECT = rf"\A{_GAP}" + _enclosed(r"\{", _MEMBER, r"\}") + rf"{_GAP}\z"
_PAIR = rf'"({_STRING[1:-1]})"{_GAP}:{_GAP}({_VALUE})'
#: More brackets than the pattern has levels.
_DEEP = rf"(?:[\[{{][^\[{{]*+){{{_LEVELS + 2}}}+"
_STRICT = {
    "allowSingleQuotes": "false",
    "allowNonNumericNumbers": "false",
    # About where JSON.parse with a reviver gives up in Node; it takes a hundred levels more or less, by its stack.
    "maxNestingDepth": "2300",
}
#: Escapes without a half of a surrogate pair.
_PAIRED = (
    r"\A(?:[^\\]++|\\[^u]|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4}"
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*+\z"
)
_IGNORED = f"[{WHITESPACE}_]+"
#: An array index to JavaScript, whose objects list such keys first and by size.
_INDEX = r"\A(?:0|[1-9][0-9]{0,9})\z"
_LARGEST_INDEX = 2**32 - 2


def json_fields(rows: DataFrame, contract: Contract) -> DataFrame:
    """Rows of NDJSON (_id, _text) with their fields; adds what csv_fields adds.

    `_fault` tells what is no object, has a key that is no column, or names a column in two spellings. `_t_NAME` is null
    for a value that is no cell: true, false, an array, an object, half of a surrogate pair.
    """
    text = F.col("_text")
    # Numbers lose digits there, which matters to no row: what is nested decides.
    deep = F.from_json(F.concat(F.lit("["), text, F.lit("]")), "array<map<string,string>>", _STRICT)
    flat = F.when(text.rlike(_OBJECT), text).when(
        text.rlike(_DEEP) & (F.size(deep) == 1), _flattened(F.get(deep, F.lit(0)))
    )
    rows = rows.withColumn("_object", flat)
    rows = rows.select(
        "_id",
        "_text",
        "_object",
        F.col("_object").contains("\\").alias("_escapes"),
        F.regexp_extract_all("_object", F.lit(_PAIR), F.lit(1)).alias("_keys"),
        F.regexp_extract_all("_object", F.lit(_PAIR), F.lit(2)).alias("_values"),
    )
    quote = F.lit('"')
    unescaped = F.transform("_keys", lambda key: _unescaped(F.concat(quote, key, quote)))
    rows = rows.withColumn("_keys", F.when(F.col("_escapes"), unescaped).otherwise(F.col("_keys")))

    # Of a key that stands twice the last value counts, in the place of the first.
    again = F.size(F.array_distinct("_keys")) < F.size("_keys")
    rows = rows.withColumn("_values", F.when(again, _last_values()).otherwise(F.col("_values")))
    rows = rows.withColumn("_keys", F.when(again, F.array_distinct("_keys")).otherwise(F.col("_keys")))

    # Without escapes no key holds a quote, and all are normalized at once.
    at_once = F.split(F.lower(F.regexp_replace(F.array_join("_keys", '"'), _IGNORED, "")), '"', -1)
    one_by_one = F.transform("_keys", lambda key: F.lower(F.regexp_replace(key, _IGNORED, "")))
    rows = rows.withColumn("_names", F.when(F.col("_escapes"), one_by_one).otherwise(at_once))

    spellings = _spellings(contract)
    columns = _columns(contract)
    places = [
        F.greatest(F.lit(0), *[F.array_position("_names", s) for s, name in spellings.items() if name == column])
        for column in columns
    ]
    rows = rows.select(
        "*", *[place.cast("int").alias(f"_at_{name}") for name, place in zip(columns, places, strict=True)]
    )

    known = sum((F.when(F.col(f"_at_{name}") > 0, 1).otherwise(0) for name in columns), F.lit(0))
    fault = F.when(F.col("_object").isNull(), why(UNPARSEABLE, "row")).when(
        (known != F.size("_keys")) & (F.size("_keys") > 0), why(UNPARSEABLE, _stray_key(spellings))
    )
    odd = F.col("_escapes") | text.contains("\x7f")
    cells = [
        F.when(F.col(f"_at_{n}") == 0, "").otherwise(_cell(F.element_at("_values", F.col(f"_at_{n}")))) for n in columns
    ]
    texts = [trimmed(cell).alias(f"_t_{name}") for name, cell in zip(columns, cells, strict=True)]
    return rows.select("_id", "_text", fault.alias("_fault"), odd.alias("_odd"), *texts)


def _spellings(contract: Contract) -> dict[str, str]:
    """Column names by their normalized spellings."""
    ignored = str.maketrans("", "", WHITESPACE + "_")
    return {
        spelling.translate(ignored).lower(): column["name"]
        for column in contract["columns"]
        for spelling in [column["name"], *column["from"]]
    }


def _flattened(parsed: Column) -> Column:
    """A map as the text of an object, in which what was nested is a control character: no cell either."""
    nested = lambda value: value.startswith("[") | value.startswith("{")  # noqa: E731
    cells = F.transform_values(parsed, lambda _, value: F.when(nested(value), "\0").otherwise(value))
    return F.to_json(cells, {"ignoreNullFields": "false"})


def _unescaped(string: Column) -> Column:
    return F.get(F.from_json(F.concat(F.lit("["), string, F.lit("]")), "array<string>", _STRICT), F.lit(0))


def _position(array: Column, value: Column) -> Column:
    """Counted from 1; 0 where it is not there. Python's array_position takes no column."""
    return F.call_function("array_position", array, value)


def _last_values() -> Column:
    beyond = F.size("_keys") + 1
    return F.transform(
        F.array_distinct("_keys"),
        lambda key: F.element_at("_values", (beyond - _position(F.reverse("_keys"), key)).cast("int")),
    )


def _cell(value: Column) -> Column:
    """A JSON value's text as it was written; null for what is no cell."""
    string = F.when(~value.contains("\\"), F.replace(value, F.lit('"'), F.lit(""))).when(
        value.rlike(_PAIRED), _unescaped(value)
    )
    return F.when(value.startswith('"'), string).when(value == "null", "").when(~value.rlike(r"\A[\[{tf]"), value)


def _stray_key(spellings: dict[str, str]) -> Column:
    """The first key that is no column or names one again, in JavaScript's order of keys; its first 64 UTF-16 units."""
    column_of = F.create_map(*[F.lit(part) for pair in spellings.items() for part in pair])
    columns = F.transform("_names", lambda name: F.element_at(column_of, name))
    stray = F.transform(columns, lambda name, at: name.isNull() | (_position(columns, name) <= at))
    number = lambda key: F.when(key.rlike(_INDEX), key.cast("bigint"))  # noqa: E731
    indexes = F.filter(F.transform("_keys", number), lambda key: key <= _LARGEST_INDEX)
    key = F.coalesce(
        F.array_min(indexes).cast("string"), F.element_at("_keys", F.array_position(stray, True).cast("int"))
    )
    units = F.decode(F.substring(F.encode(key, "UTF-16BE"), 1, 128), "UTF-16BE")
    return F.when(F.length(key) <= 32, key).otherwise(units)
