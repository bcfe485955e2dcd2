"""A file's text as rows: physical lines, read in parallel, looked over once, and put together where quotes hold line
ends. What ingest would refuse as a whole is refused here, by the same words."""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Row, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from fields import FIELD, QUOTED, trimmed
from storage import Refused, Storage

#: UTF-16 units, as shared/domain/body.ts counts them.
MOST_CHARACTERS = 2 * 1024 * 1024
#: Longer lines are skipped by Hadoop's reader, which keeps memory bounded; the balance of bytes tells.
LONGEST_LINE = 8 * 1024 * 1024
#: Spark numbers lines by partition, in the upper bits, and place.
_PLACE_BITS = 33
_MARK = b"\xef\xbb\xbf"
#: Bytes 0x80 to 0x9f of windows-1252 by the WHATWG's Encoding Standard; those that it leaves out stand for themselves.
_WINDOWS = bytes(range(0x80, 0xA0)).decode("latin-1")
_WINDOWS_MEANS = "".join(
    bytes([byte]).decode("cp1252", "replace").replace("\ufffd", chr(byte)) for byte in range(0x80, 0xA0)
)


@dataclass(frozen=True)
class Source:
    """A plain text, and what is known of it."""

    uri: str
    file_format: str
    charset: str
    header_lines: int
    #: It ended too soon: its last line is whole only when it has its line end.
    broken: bool


class Lines:
    """The physical lines of a text after one look at all of them. @raises Refused"""

    def __init__(self, spark: SparkSession, storage: Storage, source: Source):
        self._source = source
        self._storage = storage
        self._held: DataFrame | None = None
        self._size = storage.size(source.uri)
        self._mark = storage.read(source.uri, 0, len(_MARK)) == _MARK
        self._ended = self._size > 0 and storage.read(source.uri, self._size - 1, 1) == b"\n"
        text = spark.read.option("lineSep", "\n").option("__globPaths__", "false").text(source.uri)
        text = text.select(F.monotonically_increasing_id().alias("id"), "value", "_metadata.file_block_start")
        self._lines = text.withColumn("line", self._decoded())
        self._parts = self._survey(source.header_lines)
        self._first = self._id_of(source.header_lines + 1)
        if self._first != source.header_lines:  # a header that reaches over the first partition
            self._parts = self._survey(self._first)
        self.count = sum(part.lines for part in self._parts)
        self._end = self._id_of(self.count + (0 if source.broken and not self._ended else 1))
        self._check()

    @property
    def rows_at_most(self) -> int:
        return sum(part.rows for part in self._parts)

    @property
    def rows_known(self) -> bool:
        """Whether rows_at_most is how many there are: every line is a row, and whole."""
        return not self.quotes_stay_open and not self._source.broken

    @property
    def quotes_stay_open(self) -> bool:
        return any(part.open for part in self._parts)

    def number(self, line_id: Column) -> Column:
        """The number of a line in the file, counted from 1."""
        before = F.element_at(F.array(*map(F.lit, self._before())), _partition(line_id) + 1)
        return before + _place(line_id) + 1

    def rows(self) -> DataFrame:
        """Rows (_id, _text), numbered by their first line. @raises Refused"""
        text = F.col("text")
        rows = self._joined() if self.quotes_stay_open else self._inside().select("id", F.col("line").alias("text"))
        if self._source.file_format == "csv":
            text = _without_end(text)
        rows = rows.select(F.col("id").alias("_id"), text.alias("_text"))
        return rows.where(_is_row(F.col("_text"), self._source.file_format))

    def release(self) -> None:
        """Gives back what lies on disk. Rows cannot be read behind it."""
        if self._held is not None:
            self._held.unpersist()

    def _decoded(self) -> Column:
        value, charset = F.col("value"), self._source.charset
        if charset in ("utf-8", "us-ascii"):
            return value
        line = F.decode(value.cast("binary"), "ISO-8859-1")
        if charset == "windows-1252":
            line = F.when(line.rlike("[\x80-\x9f]"), F.translate(line, _WINDOWS, _WINDOWS_MEANS)).otherwise(line)
        # Hadoop takes a mark away that is none in this charset.
        return (
            F.when(F.col("id") == 0, F.concat(F.lit(_MARK.decode("latin-1")), line)).otherwise(line)
            if self._mark
            else line
        )

    def _not_in_charset(self) -> Column:
        value, charset = F.col("value"), self._source.charset
        if charset == "us-ascii":
            return value.rlike("[^\x00-\x7f]")
        return value != F.decode(value.cast("binary"), "UTF-8") if charset == "utf-8" else F.lit(False)

    def _survey(self, first: int) -> list[Row]:
        """What is to be known of each partition, in the file's order. `first` is the first line that is no header."""
        line, csv = F.col("line"), self._source.file_format == "csv"
        inside = F.col("id") >= first
        units = F.when(F.octet_length("line") > MOST_CHARACTERS, _units(line)).otherwise(0)
        is_row = _is_row(_without_end(line) if csv else line, self._source.file_format)
        parts = (
            self._lines.groupBy(_partition(F.col("id")).alias("part"))
            .agg(
                F.min("file_block_start").alias("start"),
                F.count(F.lit(1)).alias("lines"),
                F.sum(F.octet_length("value")).alias("bytes"),
                F.count_if(inside & is_row).alias("rows"),
                F.min(F.when(self._not_in_charset(), F.col("id"))).alias("foreign"),
                F.min(F.when(inside & (units > MOST_CHARACTERS), F.struct("id", units.alias("units")))).alias("large"),
                F.max(inside & _opens(line) if csv else F.lit(False)).alias("open"),
            )
            .orderBy("part")
            .collect()
        )
        starts = [part.start for part in parts]
        if starts != sorted(starts) or [part.part for part in parts] != list(range(len(parts))):
            raise AssertionError(f"Spark read the file's pieces out of order: {starts}")
        return parts

    def _before(self) -> list[int]:
        """How many lines stand before each partition."""
        counts = [0]
        for part in self._parts:
            counts.append(counts[-1] + part.lines)
        return counts

    def _id_of(self, number: int) -> int:
        """The id of the line of that number; one behind the last for any beyond."""
        before = self._before()
        for part, lines in enumerate(before[1:]):
            if number <= lines:
                return (part << _PLACE_BITS) + number - 1 - before[part]
        return len(self._parts) << _PLACE_BITS

    def _number_of(self, line_id: int) -> int:
        return self._before()[line_id >> _PLACE_BITS] + (line_id & ((1 << _PLACE_BITS) - 1)) + 1

    def _inside(self) -> DataFrame:
        """Lines that are no header, nor cut off."""
        return self._lines.where((F.col("id") >= self._first) & (F.col("id") < self._end)).select("id", "line")

    def _check(self) -> None:
        content = self._size - (len(_MARK) if self._mark else 0)
        expected = content + (0 if self._ended or content == 0 else 1)
        found = sum(part.bytes + part.lines for part in self._parts)
        if found > expected:
            raise AssertionError(f"{found} bytes were read of {expected}")
        foreign = min((part.foreign for part in self._parts if part.foreign is not None), default=self._end)
        if self._mark and self._source.charset == "us-ascii":
            foreign = 0
        if foreign < self._end and found == expected:
            self._refuse_charset(foreign)
        if found < expected:
            limit = f"a row may have {MOST_CHARACTERS} characters"
            raise Refused("too_large", f"A line of the file has more than {LONGEST_LINE} bytes; {limit}.")
        large = min((part.large for part in self._parts if part.large is not None), default=None)
        if large is not None and large.id < self._end:
            self._refuse_size(large.id, large.units)

    def _refuse_charset(self, line_id: int) -> None:
        """Names the first byte, for which one line is read."""
        charset, earlier = self._source.charset, F.col("id") < line_id
        before = self._lines.where(earlier).agg(F.sum(F.octet_length("value") + 1)).first()[0] or 0
        start = before + (len(_MARK) if self._mark and line_id > 0 else 0)
        line = self._storage.read(self._source.uri, start, LONGEST_LINE).split(b"\n", 1)[0]
        try:
            line.decode("utf-8" if charset == "utf-8" else "ascii")
            raise AssertionError(f"the line at byte {start} is {charset}")
        except UnicodeDecodeError as error:
            offset = start + error.start
            raise Refused(
                "not_in_charset", f"Byte {offset} is not {charset}.", charset=charset, offset=offset
            ) from None

    def _refuse_size(self, line_id: int, units: int) -> None:
        number = self._number_of(line_id)
        detail = f"The row in line {number} has {units} characters; a row may have {MOST_CHARACTERS}."
        raise Refused("too_large", detail, line=number)

    def _joined(self) -> DataFrame:
        """Rows of which some have line ends within quotes.

        A line makes of the state before it, within quotes or not, the state behind: it leaves it, turns it, or sets it.
        So each partition is walked by itself, from both states, and the partitions are strung together by a few
        values. @raises Refused
        """
        line, by_part = F.col("line"), Window.partitionBy("part").orderBy("id")
        so_far = by_part.rowsBetween(Window.unboundedPreceding, Window.currentRow)
        lines = self._inside().withColumn("part", _partition(F.col("id")))
        lines = lines.select("*", _opens(line).alias("opens"), _stays_open(line).alias("stays"))
        lines = lines.withColumn("turns", F.sum((F.col("opens") & ~F.col("stays")).cast("int")).over(so_far))
        set_here = F.when(F.col("opens") == F.col("stays"), F.struct("opens", "turns"))
        lines = lines.withColumn("set", F.last(set_here, ignorenulls=True).over(so_far))
        turned = (F.col("turns") - F.coalesce("set.turns", F.lit(0))) % 2 == 1
        lines = lines.select(
            "id", "part", "line", F.struct(F.col("set.opens").alias("set"), turned.alias("turned")).alias("behind")
        )
        lines = lines.withColumn("before", F.lag("behind").over(by_part)).persist(StorageLevel.DISK_ONLY)
        self._held = lines

        ends = {row.part: row.end for row in lines.groupBy("part").agg(F.max_by("behind", "id").alias("end")).collect()}
        states = [False]
        for part in range(len(self._parts)):
            end = ends.get(part)
            state = states[-1] if end is None else (states[-1] if end.set is None else end.set) != end.turned
            states.append(state)
        entering = F.element_at(F.array(*map(F.lit, states)), F.col("part") + 1)
        state = lambda at: F.coalesce(F.col(f"{at}.set"), entering) != F.coalesce(F.col(f"{at}.turned"), F.lit(False))  # noqa: E731
        lines = lines.select("id", "part", "line", state("before").alias("within"), state("behind").alias("goes_on"))

        if states[-1] and not self._source.broken:
            self._refuse_quote(lines)
        starts = lines.where(~F.col("within")).groupBy("part").agg(F.max("id").alias("id")).collect()
        last_start = {row.part: row.id for row in starts}
        carried = [0]
        for part in range(len(self._parts)):
            carried.append(last_start.get(part, carried[-1]))
        start = F.last(F.when(~F.col("within"), F.col("id")), ignorenulls=True).over(so_far)
        carry = F.element_at(F.array(*map(F.lit, carried)), F.col("part") + 1)
        lines = lines.withColumn("row", F.coalesce(start, carry))
        if states[-1]:
            lines = lines.where(F.col("row") != carried[-1])

        alone = ~F.col("within") & ~F.col("goes_on")
        pieces = lines.where(~alone)
        size = F.sum(_units(line) + 1).alias("units")
        large = (
            pieces.groupBy("row")
            .agg(size)
            .where(F.col("units") - 1 > MOST_CHARACTERS)
            .agg(F.min(F.struct("row", "units")))
        )
        found = large.first()[0]
        if found is not None:
            self._refuse_size(found.row, found.units - 1)
        in_order = F.sort_array(F.collect_list(F.struct("id", "line")))
        together = pieces.groupBy("row").agg(
            F.array_join(F.transform(in_order, lambda one: one.line), "\n").alias("text")
        )
        return lines.where(alone).select("id", F.col("line").alias("text")).union(together)

    def _refuse_quote(self, lines: DataFrame) -> None:
        line = F.col("line")
        opened_again = line.contains('"') & F.concat(F.lit('"'), line).rlike(rf"\A{QUOTED}")
        opening = lines.where(F.col("goes_on") & (~F.col("within") | opened_again)).agg(F.max("id")).first()[0]
        number = self._number_of(opening)
        raise Refused("unterminated_quote", f"A quote that opens in line {number} is never closed.", line=number)


def _partition(line_id: Column) -> Column:
    return F.shiftright(line_id, _PLACE_BITS).cast("int")


def _place(line_id: Column) -> Column:
    return line_id.bitwiseAND((1 << _PLACE_BITS) - 1)


def _units(text: Column) -> Column:
    """UTF-16 units."""
    return (F.octet_length(F.encode(text, "UTF-16BE")) / 2).cast("int")


def _without_end(line: Column) -> Column:
    """All of \\r\\r\\n is one line end, as careless text modes write it."""
    return F.when(line.endswith("\r"), F.regexp_replace(line, r"(?<!\r)\r++\z", "")).otherwise(line)


def _is_row(text: Column, file_format: str) -> Column:
    return text != "" if file_format == "csv" else trimmed(text) != ""


_CLOSED = rf"\A{FIELD}(?:,{FIELD})*+\z"


def _opens(line: Column) -> Column:
    """Whether a line that begins a row ends within quotes."""
    return line.contains('"') & ~line.rlike(_CLOSED)


def _stays_open(line: Column) -> Column:
    """Whether a line that begins within quotes ends within quotes."""
    return ~line.contains('"') | ~F.concat(F.lit('"'), line).rlike(_CLOSED)
