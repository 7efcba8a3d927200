"""The run log: append-only segment files that are the truth about a run. FORMAT.md beside this file has every byte."""
