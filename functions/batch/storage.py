"""Files of the lake through Hadoop's FileSystem, so that file: and s3: are one. Bytes stay in the JVM."""

import re
from urllib.parse import unquote

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

#: As shared/domain/file.ts: a table packs ten- or twentyfold; what is large and grows more is made to fill disks.
MOST_GROWTH = 250
HARMLESS_TEXT = 64 * 1024 * 1024
#: Between two looks at the limits.
_PIECE = 16 * 1024 * 1024


class Refused(Exception):
    """The file cannot be taken as a whole. Codes are those of shared/domain/problem.ts."""

    def __init__(self, code: str, detail: str, **facts: object):
        super().__init__(detail)
        self.said = {"code": code, "detail": detail, **facts}


class Storage:
    def __init__(self, spark: SparkSession):
        self._jvm = spark._jvm
        self._conf = spark._jsc.hadoopConfiguration()

    def _path(self, uri: str):
        return self._jvm.org.apache.hadoop.fs.Path(uri)

    def _system(self, path):
        return path.getFileSystem(self._conf)

    def exists(self, uri: str) -> bool:
        path = self._path(uri)
        return self._system(path).exists(path)

    def size(self, uri: str) -> int:
        path = self._path(uri)
        return self._system(path).getFileStatus(path).getLen()

    def names(self, uri: str) -> list[str]:
        """What is in a folder, sorted; nothing when there is none."""
        path = self._path(uri)
        system = self._system(path)
        return sorted(status.getPath().getName() for status in system.listStatus(path)) if system.exists(path) else []

    def delete(self, uri: str) -> None:
        path = self._path(uri)
        self._system(path).delete(path, True)

    def move(self, source: str, target: str) -> None:
        """Gives a file its name, in the place of whatever has it."""
        source, target = self._path(source), self._path(target)
        system = self._system(target)
        system.mkdirs(target.getParent())
        if target.toUri().getScheme() == "file":
            system = system.getRawFileSystem()  # takes the name at once, and leaves the checksum file behind
        elif system.exists(target):
            system.delete(target, False)
        if not system.rename(source, target):
            raise OSError(f"{source} cannot become {target}")

    def write(self, uri: str, text: str) -> None:
        path = self._path(uri)
        out = self._system(path).create(path, True)
        out.write(text.encode())
        out.close()

    def read(self, uri: str, offset: int, most: int) -> bytes:
        """Up to `most` bytes from `offset` on."""
        path = self._path(uri)
        stream = self._system(path).open(path)
        try:
            stream.seek(offset)
            return bytes(stream.readNBytes(most))
        finally:
            stream.close()

    def copy(self, source: str, target: str, compression: str, most: int) -> dict[str, str] | None:
        """Copies a file as plain text. What is broken when it ends too soon; all text before the break is there.

        One stream of the driver's: neither gzip nor zstd can be read from the middle.
        """
        source, target = self._path(source), self._path(target)
        size = self._system(source).getFileStatus(source).getLen()
        raw = self._system(source).open(source)
        out = self._system(target).create(target, True)
        try:
            plain = self._decompressing(raw, compression)
            copy_bytes = self._jvm.org.apache.hadoop.io.IOUtils.copyBytes
            text = -1
            while text < out.getPos():
                text = out.getPos()
                if text > most:
                    raise Refused("too_large", f"The file has more than {most} bytes of text.", limit=most)
                if text > HARMLESS_TEXT and text > MOST_GROWTH * size:
                    grown = f"The file grows more than {MOST_GROWTH}-fold when it is decompressed"
                    raise Refused("too_large", f"{grown}, which no table of rows does.", most_growth=MOST_GROWTH)
                copy_bytes(plain, out, _PIECE, False)
            return None
        except Py4JJavaError as error:
            return _break_of(error, raw.getPos(), size)
        finally:
            out.close()
            raw.close()

    def _decompressing(self, raw, compression: str):
        if compression == "gzip":
            codec = self._jvm.org.apache.hadoop.io.compress.GzipCodec()
            codec.setConf(self._conf)
            decompressor = self._jvm.org.apache.hadoop.io.compress.zlib.BuiltInGzipDecompressor()
            return codec.createInputStream(raw, decompressor)
        return self._jvm.com.github.luben.zstd.ZstdInputStream(raw) if compression == "zstd" else raw


def _break_of(error: Py4JJavaError, position: int, size: int) -> dict[str, str]:
    """How compressed bytes are broken. @raises Refused for damage; the error itself when the world is what is broken"""
    thrown = error.java_exception
    message = thrown.getMessage() or ""
    by_decompressor = re.match(
        r"org\.apache\.hadoop\.io\.compress\.|com\.github\.luben\.zstd\.", thrown.getStackTrace()[0].getClassName()
    )
    if not by_decompressor:
        raise error
    if thrown.getClass().getSimpleName() == "EOFException" or "runcated" in message:
        if position < size:
            raise error
        return {"code": "broken_compression", "detail": f"The compressed file ends too soon, behind {size} bytes."}
    raise Refused("broken_compression", f"The compressed file is damaged: {message}.") from error


def plain_uri(uri: str) -> str:
    """A file: URL as Hadoop has it, which does not know percent signs; any other is a key as it is."""
    return unquote(uri) if uri.startswith("file:") else uri
