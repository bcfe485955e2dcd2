"""Runs many jobs in one Spark, as starting it takes longer than most of them.

python session.py MASTER THREADS < TASKS, a JSON list of lists of job.py's arguments. Prints JSON: for each the seconds,
and the error of one that failed.
"""

import json
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "functions" / "batch"))
sys.dont_write_bytecode = True

import job  # noqa: E402

master, threads = sys.argv[1:]
tasks = json.load(sys.stdin)
spark = job.session(master, "2g")
job.log = lambda said: None


def timed(arguments):
    started = time.monotonic()
    try:
        job.run(spark, job.parse(arguments))
        return {"seconds": time.monotonic() - started}
    except Exception as error:
        traceback.print_exc()
        return {"seconds": time.monotonic() - started, "error": f"{type(error).__name__}: {str(error)[:400]}"}


with ThreadPoolExecutor(int(threads)) as pool:
    print(json.dumps({"version": spark.version, "results": list(pool.map(timed, tasks))}))
spark.stop()
