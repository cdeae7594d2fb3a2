"""Measurements (测速): run by hand or nightly. Figures stand beside a plain COPY of the same rows in the same run."""
