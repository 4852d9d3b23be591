"""Sentences about a student with the student left out, for terminals that others may look at."""

import re

from b2b.domain.enrollment.students import Student

_ADDRESS = re.compile(r"\S+@\S+")
_LEFT_OUT = "..."


def without_names(sentence: str, student: Student) -> str:
    """Without any e-mail address, nor the student's names: Thinkific repeats what it refuses."""
    sentence = _ADDRESS.sub(_LEFT_OUT, sentence)
    for name in (student.first_name, student.last_name):
        if name.strip():
            sentence = re.sub(rf"(?<!\w){re.escape(name.strip())}(?!\w)", _LEFT_OUT, sentence, flags=re.IGNORECASE)
    return sentence
