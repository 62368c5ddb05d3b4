"""The words that reviews are put together from. The order of the classes is that of `CLASSES` everywhere."""

from collections.abc import Mapping
from typing import Final

CLASSES: Final = ("negative", "neutral", "positive")

# product: (share, least and greatest usual price, what people speak about)
PRODUCTS: Final[Mapping[str, tuple[float, float, float, tuple[str, ...]]]] = {
    "electronics": (0.27, 15, 900, ("battery", "screen", "sound", "charger", "setup", "remote")),
    "clothing": (0.22, 8, 150, ("fabric", "fit", "colour", "zip", "stitching", "sleeve")),
    "kitchen": (0.18, 5, 250, ("blade", "handle", "lid", "coating", "motor", "timer")),
    "books": (0.16, 4, 60, ("story", "ending", "print", "cover", "translation", "first chapter")),
    "toys": (0.11, 5, 90, ("puzzle", "doll", "manual", "colour", "track", "button")),
    "furniture": (0.06, 30, 1200, ("table top", "drawer", "cushion", "assembly", "finish", "frame")),
}
COMMON_ASPECTS: Final = ("quality", "price", "delivery", "packaging", "size", "customer service")

ADJECTIVES: Final = (
    ("awful", "poor", "flimsy", "disappointing", "useless", "terrible", "cheap", "bad", "annoying", "unreliable",
     "shoddy", "faulty", "dreadful", "overpriced", "sloppy", "broken", "a joke", "horrible", "weak", "a letdown"),
    ("okay", "average", "acceptable", "fair", "standard", "nothing special", "so-so", "ordinary", "passable",
     "middling", "as expected", "alright", "neither good nor bad", "unremarkable"),
    ("great", "excellent", "lovely", "sturdy", "brilliant", "superb", "reliable", "good", "perfect", "impressive",
     "wonderful", "solid", "fantastic", "a bargain", "beautiful", "flawless", "amazing", "well made", "spot on",
     "a joy"),
)  # fmt: skip
# {aspect} first or {word} first; both are filled in.
OPINIONS: Final = (
    "the {aspect} is {word}", "{aspect} is {word}", "the {aspect} turned out {word}", "i find the {aspect} {word}",
    "the {aspect}: {word}", "the {aspect} seems {word}", "really {word}, the {aspect}",
    "{word} is what i call the {aspect}",
)  # fmt: skip
# These turn a word into its opposite.
DENIALS: Final = (
    "the {aspect} is not {word}", "the {aspect} isn't {word} at all", "nobody can call the {aspect} {word}",
    "the {aspect} is far from {word}", "i would not say the {aspect} is {word}", "the {aspect} was never {word}",
)  # fmt: skip
BOTH: Final = ("the {aspect} is not {word}, but not {other} either", "the {aspect} is neither {word} nor {other}")
VERDICTS: Final = (
    ("sent it back", "waste of money", "never again", "i want my money back", "do not buy this",
     "it broke after a week", "went straight into the bin", "i regret buying it", "stay away",
     "would give no star if i could"),
    ("does the job", "it is what it is", "you get what you pay for", "no strong feelings about it",
     "might buy it again", "could be better, could be worse", "it works, that is all", "three stars from me",
     "good and bad in balance"),
    ("would buy it again", "highly recommended", "love it", "five stars", "best purchase this year",
     "could not be happier", "my family adores it", "exceeded my expectations", "worth every penny",
     "thank you so much"),
)  # fmt: skip
FACTS: Final = (
    "bought it for my sister", "arrived on tuesday", "have used it for two weeks", "it came in a brown box",
    "ordered the blue one", "second time i order here", "it was a birthday present", "i live in a small flat",
    "my neighbour has the same", "read the description first", "it is for the holidays", "paid by card",
    "it replaced my old one", "the seller is called \"Nord & Co\"", "compared four of them before",
)  # fmt: skip
HINGES: Final = (", but ", ". however, ", ", although ", ". still, ")
JOINS: Final = (". ", "! ", ", and ", ". ", "; ", " - ", ".\n")
ENDINGS: Final = ("", ".", "!", "!!", "...", ".")
EMOJI: Final = (("😡", "👎", "😞", "🙄"), ("😐", "🤷", "😶"), ("😍", "👍", "😀", "🎉", "❤️"))

# Whole sentences in other languages: {aspect} is left as it stands on the English page.
FOREIGN: Final = (
    ("leider sehr schlecht, nie wieder", "total enttäuscht, geht zurück", "muy malo, no lo recomiendo",
     "una decepción total", "très déçu, à éviter", "ne marche pas du tout", "pessimo, soldi buttati"),
    ("ganz okay, nichts besonderes", "erfüllt seinen zweck", "ni bueno ni malo, normal", "cumple su función",
     "correct, sans plus", "moyen, ça dépanne", "nella media"),
    ("sehr gut, gerne wieder", "bin begeistert, top qualität", "muy bueno, lo recomiendo", "me encanta, perfecto",
     "très content, je recommande", "excellent produit, parfait", "ottimo acquisto, bellissimo"),
)  # fmt: skip
