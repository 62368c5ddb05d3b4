"""From a question to an answer: which release answers, what rows must be, why the answer is what it is."""
