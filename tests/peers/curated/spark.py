"""A Spark with Iceberg. python spark.py FOLDER JARS, the first for its tables, the other has Iceberg's jar.

A line of stdin is JSON, {schema, sql}; it is answered by a line of JSON, {columns, rows} with values as text, or {error}.
The first line says {columns: [], rows: []} once it is ready. Tables without a catalog are Iceberg's.
"""

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession

folder, jars = sys.argv[1:]
[jar] = Path(jars).glob("iceberg-spark-runtime-*.jar")
out = sys.stdout
sys.stdout = sys.stderr

spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.driver.memory", "2g")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.ui.enabled", "false")
    .config("spark.local.dir", f"{folder}/scratch")
    .config("spark.sql.warehouse.dir", f"{folder}/warehouse")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")  # dt is text
    .config("spark.jars", str(jar))
    .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
    .config("spark.sql.catalog.iceberg", "org.apache.iceberg.spark.SparkCatalog")
    .config("spark.sql.catalog.iceberg.type", "hadoop")
    .config("spark.sql.catalog.iceberg.warehouse", f"{folder}/iceberg")
    .config("spark.sql.defaultCatalog", "iceberg")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")


def answer(asked):
    try:
        for prepare in ("create namespace if not exists", "use"):
            spark.sql(f"{prepare} iceberg.{asked['schema']}")
        rows = spark.sql(asked["sql"])
        return {
            "columns": rows.columns,
            "rows": [[None if value is None else str(value) for value in row] for row in rows.collect()],
        }
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


print(json.dumps({"columns": [], "rows": []}), file=out, flush=True)
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), file=out, flush=True)
