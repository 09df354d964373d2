"""YOLOX on Python's onnxruntime, line by line: a picture's path in, JSON with milliseconds out."""

import json
import sys
import time

import cv2
import numpy as np
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[2])
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
height, width = session.get_inputs()[0].shape[2:]

grids, strides = [], []
for stride in (8, 16, 32):
    ys, xs = np.meshgrid(np.arange(height // stride), np.arange(width // stride), indexing="ij")
    grids.append(np.stack((xs, ys), 2).reshape(-1, 2))
    strides.append(np.full((grids[-1].shape[0], 1), stride))
grid, scale = np.concatenate(grids), np.concatenate(strides)


def detect(path):
    picture = cv2.imread(path)
    ratio = min(height / picture.shape[0], width / picture.shape[1])
    small = cv2.resize(picture, (int(picture.shape[1] * ratio), int(picture.shape[0] * ratio)))
    canvas = np.full((height, width, 3), 114, np.uint8)
    canvas[: small.shape[0], : small.shape[1]] = small
    planes = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], np.float32)
    rows = session.run(None, {name: planes})[0][0]
    centres = (rows[:, :2] + grid) * scale
    sizes = np.exp(rows[:, 2:4]) * scale
    scores = rows[:, 4:5] * rows[:, 5:]
    labels = scores.argmax(1)
    best = scores.max(1)
    keep = best > 0.3
    boxes = np.concatenate((centres - sizes / 2, sizes), 1)[keep] / ratio
    kept = cv2.dnn.NMSBoxesBatched(boxes, best[keep], labels[keep], 0.3, 0.45)
    return len(kept)


for line in sys.stdin:
    start = time.perf_counter()
    count = detect(line.strip())
    print(json.dumps({"ms": (time.perf_counter() - start) * 1000, "text": str(count)}), flush=True)
