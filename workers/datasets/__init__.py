"""The data sets, one module each: where its pictures come from, or how they are drawn.

A module is named after its data set and has a function

    load(directory, split, report) -> (images, labels)

directory: where all data sets are cached, each in a folder of its own name. split: "train" or "test". report: takes
lines of progress. images: (n, c, h, w) uint8; labels: (n,) int64. To add a data set, write its module, and its shape
and classes into `models/_datasets.py`.
"""
