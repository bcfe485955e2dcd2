"""Bodies that schemathesis cannot make of a schema: CSV, NDJSON and bytes, from whole to broken, of any data set."""

import csv
import gzip
import io
import json

import schemathesis
from hypothesis import strategies as st

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)

# Columns as the data sets' sources spell them (UCI Online Retail, REES46), and for each some values that are right.
TRANSACTIONS = {
    "InvoiceNo": ["536365", "C536379", "A563185", " 536365 "],
    "StockCode": ["85123A", "71053", "POST"],
    "Description": ["WHITE HANGING HEART T-LIGHT HOLDER", "", 'with "quotes", a comma\nand a line'],
    "Quantity": ["6", "-1", "0", "2147483647"],
    "InvoiceDate": ["12/1/2010 8:26", "2010-12-01 08:26:00", "2010-12-01T08:26:00Z", "2/29/2011 8:26"],
    "UnitPrice": ["2.55", "0", "99999999.9999", "-11062.06"],
    "CustomerID": ["17850", "17850.0", ""],
    "Country": ["United Kingdom", "EIRE"],
}
EVENTS = {
    "event_time": ["2019-10-01 00:00:00 UTC", "2019-10-01T00:00:00Z", "2019-13-01 00:00:00 UTC"],
    "event_type": ["view", "cart", "remove_from_cart", "purchase", "sold"],
    "product_id": ["5773203"],
    "category_id": ["1487580005134238553"],
    "category_code": ["", "electronics.smartphone"],
    "brand": ["", "runail"],
    "price": ["2.62", "-7.94"],
    "user_id": ["463240011"],
    "user_session": ["26dd6e6e-4dac-4778-8d2c-92e149dab885", ""],
}


@st.composite
def tables(draw):
    """A header, mostly whole, and rows of values that are mostly right."""
    columns = draw(st.sampled_from([TRANSACTIONS, EVENTS]))
    header = list(columns)
    if draw(st.integers(0, 5)) == 0:
        header = draw(st.permutations(header))[: draw(st.integers(0, len(header)))] + draw(st.lists(TEXT, max_size=2))
    cell = {name: st.sampled_from(columns.get(name, [""])) for name in header}
    broken = st.integers(0, 9).flatmap(lambda n: TEXT if n == 0 else st.none())
    rows = st.lists(st.tuples(*(st.tuples(broken, cell[name]) for name in header)), max_size=8)
    return header, [[value if text is None else text for text, value in row] for row in draw(rows)]


def as_csv(table):
    header, rows = table
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return text.getvalue()


def as_ndjson(table):
    header, rows = table
    return "".join(json.dumps(dict(zip(header, row)), ensure_ascii=False) + "\n" for row in rows)


def packed(body):
    return gzip.compress(body, mtime=0)


def torn(text):
    """The text itself or, seldom, a piece of it."""
    return st.integers(0, 9).flatmap(
        lambda n: st.integers(0, len(text)).map(lambda end: text[:end]) if n == 0 else st.just(text)
    )


CSV = tables().map(as_csv).flatmap(torn)
NDJSON = tables().map(as_ndjson).flatmap(torn)
ENCODED = st.sampled_from([lambda text: text.encode(), lambda text: text.encode("latin-1", "replace")])
PACKED = st.sampled_from([lambda body: body, packed, lambda body: packed(body)[:-5]])

bodies = st.builds(lambda text, encode, pack: pack(encode(text)), CSV | NDJSON, ENCODED, PACKED)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """A media type with a strategy of its own takes its examples as bytes."""
    for path in raw_schema["paths"].values():
        for operation in path.values():
            for media in operation.get("requestBody", {}).get("content", {}).values():
                if isinstance(media.get("example"), str):
                    media["example"] = media["example"].encode()


schemathesis.openapi.media_type("text/csv", CSV.map(str.encode))
schemathesis.openapi.media_type("application/x-ndjson", NDJSON.map(str.encode))
schemathesis.openapi.media_type("application/octet-stream", bodies | st.binary(max_size=200))
