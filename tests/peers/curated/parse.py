"""Parses statements as some dialects have them. python parse.py < TASKS, a JSON list of {dialect, sql}.

Prints sqlglot's version and, for each: what it is, the functions that sqlglot has no name for, or why it is refused.
"""

import json
import sys

import sqlglot
from sqlglot import exp


def parsed(dialect, sql):
    try:
        tree = sqlglot.parse_one(sql, dialect=dialect, error_level=sqlglot.ErrorLevel.RAISE)
    except sqlglot.errors.SqlglotError as error:
        return {"refused": str(error)}
    unknown = {function.name.lower() for function in tree.find_all(exp.Anonymous)}
    return {"kind": tree.key, "unknown": sorted(unknown)}


print(json.dumps({"version": sqlglot.__version__, "parsed": [parsed(**task) for task in json.load(sys.stdin)]}))
