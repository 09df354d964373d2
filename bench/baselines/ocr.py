"""RapidOCR as a line-by-line server: a picture's path in, JSON with milliseconds and text out."""

import json
import sys
import time

from rapidocr import RapidOCR

engine = RapidOCR(
    params={
        "EngineConfig.onnxruntime.intra_op_num_threads": int(sys.argv[1]),
        "Global.log_level": "critical",
    }
)
for line in sys.stdin:
    start = time.perf_counter()
    try:
        texts = list(engine(line.strip()).txts or [])
    except Exception as error:  # a picture it cannot open counts as one without text
        print(error, file=sys.stderr)
        texts = []
    ms = (time.perf_counter() - start) * 1000
    print(json.dumps({"ms": ms, "text": "\n".join(texts)}), flush=True)
