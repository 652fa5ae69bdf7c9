"""How `name_clusters` is judged: by counting texts, one by one."""

from __future__ import annotations

from descent.grading import Draw, Exercise, expect

name_clusters = Exercise("name_clusters", minutes=20, difficulty=2, returns=list[list[str]])

WORDS = ["stew", "rude", "wait", "soup", "hat", "plan", "zebra", "apple"]


def _expected(texts: list[str], clusters: list[int], count: int) -> list[list[str]]:
    out = []
    for cluster in range(max(clusters) + 1):
        inside = [set(t.split()) for t, c in zip(texts, clusters, strict=True) if c == cluster]
        outside = [set(t.split()) for t, c in zip(texts, clusters, strict=True) if c != cluster]
        lead = {}
        for word in set().union(*inside) if inside else set():
            here = sum(word in text for text in inside) / len(inside)
            there = sum(word in text for text in outside) / len(outside) if outside else 0.0
            lead[word] = round(here - there, 9)
        out.append(sorted(lead, key=lambda w: (-lead[w], w))[:count])
    return out


def _judge(answer, texts, clusters, count: int) -> None:
    expected = _expected(texts, clusters, count)
    expect(answer(texts, clusters, count), "the words of each cluster").equals(expected)


def _case(draw: Draw, n: int, clusters: int):
    texts, places = [], []
    for _ in range(n):
        cluster = draw.integers(0, clusters)
        words = [WORDS[k] for k in draw.integers(0, len(WORDS), draw.integers(1, 6))]
        words += [WORDS[cluster]] if draw.integers(0, 3) else []
        texts.append(" ".join(words))
        places.append(cluster)
    return texts, places


@name_clusters.property("names what a cluster's texts have and the others have not", trials=6)
def _(answer, draw: Draw) -> None:
    texts, clusters = _case(draw, 6 + 3 * draw.size, 3)
    _judge(answer, texts, clusters, 2)


@name_clusters.property("counts texts, not occurrences", trials=2)
def _(answer, draw: Draw) -> None:
    texts = ["stew stew stew stew plan", "hat plan", "hat plan", "wait", "soup wait"]
    _judge(answer, texts, [0, 0, 0, 1, 1], 2)
    texts = ["soup", "soup wait wait hat soup wait", "plan hat soup stew plan soup"]
    texts += ["rude hat stew wait", "hat plan plan plan hat rude"]
    _judge(answer, texts, [0, 0, 1, 1, 1], 2)
    texts = ["wait soup", "wait stew soup wait rude", "stew stew wait plan hat", "soup wait wait"]
    texts += ["wait wait plan", "hat hat stew hat stew rude", "plan wait wait"]
    _judge(answer, texts, [0, 0, 0, 1, 1, 1, 1], 2)


@name_clusters.property("takes off how common a word is elsewhere", trials=2)
def _(answer, draw: Draw) -> None:
    texts = ["the stew", "the stew", "the", "the rude", "the rude", "the"]
    _judge(answer, texts, [0, 0, 0, 1, 1, 1], 1)
    # A rare word that no other cluster has, beside a common one.
    _judge(answer, ["hat plan", "hat soup", "hat", "hat plan"], [0, 0, 0, 1], 2)
    texts = ["hat zebra", "hat", "hat", "hat", "hat apple", "apple", "apple"]
    _judge(answer, texts, [0, 0, 0, 0, 1, 1, 1], 2)
    _judge(answer, ["apple hat", "hat", "apple what", "what"], [0, 0, 1, 1], 1)


@name_clusters.property("breaks ties by the alphabet", trials=3)
def _(answer, draw: Draw) -> None:
    order = [WORDS[k] for k in draw.rng.permutation(len(WORDS))]
    _judge(answer, [" ".join(order), "nothing"], [0, 1], 3)
    # 3/5 − 1/5 and 2/5 − 0: a tie that shows in no two floats.
    texts = ["apple hat", "apple hat", "apple", "", "", "apple", "", "", "", ""]
    _judge(answer, texts, [0] * 5 + [1] * 5, 1)


@name_clusters.property("takes words as they are written", trials=1)
def _(answer, draw: Draw) -> None:
    _judge(answer, ["Soup plan", "soup", "plan"], [0, 1, 1], 1)


@name_clusters.property(
    "has an empty list for an empty cluster, and short ones where words are few", trials=2
)
def _(answer, draw: Draw) -> None:
    _judge(answer, ["stew", "rude words", "stew"], [0, 2, 0], 4)
    _judge(answer, ["", "rude"], [0, 1], 2)
    # A text without words is one of its cluster's texts all the same.
    texts = ["plan wait", "plan", "", "", "plan hat", "plan", "hat", "hat"]
    _judge(answer, texts, [0, 0, 0, 0, 1, 1, 1, 1], 1)


@name_clusters.property("works with a single cluster", trials=2)
def _(answer, draw: Draw) -> None:
    texts, _ = _case(draw, 4 + draw.size, 2)
    _judge(answer, texts, [0] * len(texts), 2)


@name_clusters.property("shares of the cluster and of all the rest, whatever their sizes", trials=3)
def _(answer, draw: Draw) -> None:
    big = ["hat plan"] * 7 + ["hat"] * 5
    small = ["hat stew", "stew plan", "plan"]
    order = draw.rng.permutation(15)
    texts, clusters = big + small, [1] * 12 + [0] * 3
    _judge(answer, [texts[i] for i in order], [clusters[i] for i in order], 3)
    many = ["zebra apple"] * 150 + ["zebra"] + ["soup"] * 150  # a lead of one text in 301
    _judge(answer, [*many, "plan"], [0] * 301 + [1], 1)


@name_clusters.right
def right_names(texts, clusters, count):
    sets = [set(text.split()) for text in texts]
    names = []
    for cluster in range(max(clusters) + 1):
        inside = [s for s, c in zip(sets, clusters, strict=True) if c == cluster]
        outside = [s for s, c in zip(sets, clusters, strict=True) if c != cluster]
        lead = {}
        for word in set().union(*inside):
            here = sum(word in s for s in inside) / len(inside)
            there = sum(word in s for s in outside) / max(len(outside), 1)
            lead[word] = round(here - there, 9)
        names.append(sorted(lead, key=lambda word: (-lead[word], word))[:count])
    return names


_LEAD = "lead[word] = round(here - there, 9)"
_SORT = "sorted(lead, key=lambda word: (-lead[word], word))[:count]"

name_clusters.slip(
    "lower_case",
    "You wrote all words in small letters. A word counts as it is written: Soup and soup are two.",
    {"set(text.split())": "set(text.lower().split())"},
)
name_clusters.slip(
    "not_rounded",
    "You did not round the differences. 3/5 − 1/5 and 2/5 are equal, and differ in the last digit "
    "that a float has: the alphabet then has no say.",
    {_LEAD: "lead[word] = here - there"},
)
name_clusters.slip(
    "only_where_more_common",
    "You left out the words that are no more common here than elsewhere. A cluster gets `count` "
    "words as long as it has them.",
    {_SORT: "sorted((w for w in lead if lead[w] > 0), key=lambda w: (-lead[w], w))[:count]"},
)

name_clusters.slip(
    "most_common",
    "You took each cluster's most common words. Words like 'the' are common everywhere: take off "
    "their share elsewhere.",
    {_LEAD: "lead[word] = here"},
)
name_clusters.slip(
    "occurrences",
    "You counted occurrences. A text that repeats a word ten times counts once.",
    {
        "here = sum(word in s for s in inside) / len(inside)": (
            "here = sum(t.split().count(word) for t, c in zip(texts, clusters, "
            "strict=True) if c == cluster) / len(inside)"
        )
    },
)
name_clusters.slip(
    "ratio",
    "You divided the shares. Then a word that stands in one text here and in none elsewhere "
    "beats all: take the difference.",
    {_LEAD: "lead[word] = round(here / (there + 1e-6), 9)"},
)
name_clusters.slip(
    "counts_for_shares",
    "You took off numbers of texts. Clusters have different sizes: take off shares.",
    {"len(inside)\n": "1\n", "/ max(len(outside), 1)": "/ 1"},
)
name_clusters.slip(
    "against_all",
    "You compared with all texts. The cluster itself is among them: compare with the rest.",
    {
        (
            "there = sum(word in s for s in outside) / max(len(outside), 1)"
        ): "there = sum(word in s for s in sets) / len(sets)"
    },
)
name_clusters.slip(
    "rarest_first",
    "You sorted the wrong way: these are the words that a cluster has least for itself.",
    {"(-lead[word], word)": "(lead[word], word)"},
)
name_clusters.slip(
    "ties_as_they_come",
    "Of two words with the same lead you do not take the first by the alphabet. (A list that is "
    "sorted backwards as a whole turns the alphabet round too.) Break a tie by the alphabet, so "
    "that "
    "the names do not change from run to run.",
    {"(-lead[word], word)": "(-lead[word], [-ord(c) for c in word])"},
)
name_clusters.slip(
    "empty_left_out",
    "You left empty clusters out: the names then belong to other clusters than their places say.",
    {"for cluster in range(max(clusters) + 1):": "for cluster in sorted(set(clusters)):"},
)
name_clusters.slip("one_too_few", "You return one word too few.", {"[:count]": "[: count - 1]"})
name_clusters.slip(
    "parts_of_words",
    "You looked for letters within the texts: 'hat' also stands in 'what'. Split into words first.",
    {
        "sets = [set(text.split()) for text in texts]": (
            "sets = [set(text.split()) | {text[:-1]} for text in texts]"
        )
    },
)
name_clusters.slip(
    "same_for_all",
    "You gave every cluster the words of the first.",
    {"    return names": "    return [names[0]] * len(names)"},
)
name_clusters.slip(
    "leads_returned",
    "Every text's words are joined: you return names as one string. A list of words for each "
    "cluster is asked for.",
    {"    return names": "    return [[' '.join(words)] for words in names]"},
)
name_clusters.slip(
    "share_of_the_word",
    "You took which share of the texts with the word lie in the cluster. Large clusters win "
    "then: take which share of the cluster's texts have the word.",
    {
        "here = sum(word in s for s in inside) / len(inside)": (
            "here = sum(word in s for s in inside) / sum(word in s for s in sets)"
        )
    },
)

name_clusters.slip(
    "occurrences_everywhere",
    "You counted occurrences, inside and outside. A text that repeats a word ten times counts "
    "once.",
    {
        "sets = [set(text.split()) for text in texts]": "sets = [text.split() for text in texts]",
        "sum(word in s for s in inside)": "sum(s.count(word) for s in inside)",
        "sum(word in s for s in outside)": "sum(s.count(word) for s in outside)",
    },
)
name_clusters.slip(
    "shares_of_words",
    "You took shares of all *words* of the cluster. Asked for is the share of its *texts* that "
    "have "
    "the word.",
    {
        "sets = [set(text.split()) for text in texts]": "sets = [text.split() for text in texts]",
        "sum(word in s for s in inside) / len(inside)": (
            "sum(s.count(word) for s in inside) / max(sum(map(len, inside)), 1)"
        ),
        "sum(word in s for s in outside) / max(len(outside), 1)": (
            "sum(s.count(word) for s in outside) / max(sum(map(len, outside)), 1)"
        ),
    },
)
name_clusters.slip(
    "clusters_averaged",
    "You took the mean of the other *clusters'* shares. All other texts count alike, whichever "
    "cluster they are in.",
    {
        "there = sum(word in s for s in outside) / max(len(outside), 1)": (
            "rest = sorted(set(clusters) - {cluster})\n"
            "            there = sum(\n"
            "                sum(word in s for s, c in zip(sets, clusters) if c == other)\n"
            "                / clusters.count(other)\n"
            "                for other in rest\n"
            "            ) / max(len(rest), 1)"
        )
    },
)
name_clusters.slip(
    "largest_of_the_others",
    "You took off the largest share that any other cluster has. It is the share of all other texts "
    "together.",
    {
        "there = sum(word in s for s in outside) / max(len(outside), 1)": (
            "there = max(\n"
            "                (\n"
            "                    sum(word in s for s, c in zip(sets, clusters) if c == other)\n"
            "                    / clusters.count(other)\n"
            "                    for other in set(clusters) - {cluster}\n"
            "                ),\n"
            "                default=0.0,\n"
            "            )"
        )
    },
)
name_clusters.slip(
    "ties_by_first_place",
    "Of two words with the same lead you take the one that comes first in the texts. A tie is "
    "broken by the alphabet.",
    {_SORT: "sorted(lead, key=lambda w: (-lead[w], ' '.join(texts).split().index(w)))[:count]"},
)
name_clusters.slip(
    "rounded_to_two",
    "You rounded to two decimals: leads that differ are taken for ties. Nine are asked for.",
    {"round(here - there, 9)": "round(here - there, 2)"},
)
name_clusters.slip(
    "number_of_clusters_that_occur",
    "You counted the different numbers. A number below the largest may not occur: go on to the "
    "largest.",
    {"range(max(clusters) + 1)": "range(len(set(clusters)))"},
)
name_clusters.slip(
    "last_cluster_missing",
    "Your last cluster is missing: `range` stops before its end.",
    {"range(max(clusters) + 1)": "range(max(clusters))"},
)
name_clusters.slip(
    "count_ignored",
    "You return all words of a cluster. `count` is the most that it gets.",
    {"[:count]": ""},
)
name_clusters.slip(
    "words_of_all",
    "You also take words that do not occur in the cluster. Only its own words may name it.",
    {"set().union(*inside)": "(set().union(*sets) if inside else set())"},
)
name_clusters.slip(
    "empty_texts_left_out",
    "You left out texts without words. They are texts of their cluster, and count in its share.",
    {
        "inside = [s for s, c in zip(sets, clusters, strict=True) if c == cluster]": (
            "inside = [s for s, c in zip(sets, clusters, strict=True) if c == cluster and s]"
        ),
        "outside = [s for s, c in zip(sets, clusters, strict=True) if c != cluster]": (
            "outside = [s for s, c in zip(sets, clusters, strict=True) if c != cluster and s]"
        ),
    },
)
name_clusters.slip(
    "dictionary_returned",
    "You return a dictionary. A list is asked for, with a place for every number up to the "
    "largest.",
    {"    return names": "    return dict(enumerate(names))"},
)
name_clusters.slip(
    "with_their_leads",
    "You return the leads beside the words. Words alone are asked for.",
    {_SORT: "[(w, lead[w]) for w in sorted(lead, key=lambda w: (-lead[w], w))[:count]]"},
)
name_clusters.slip(
    "lead_without_sign",
    "You took the difference without its sign: a word that is rarer here than elsewhere then names "
    "the cluster.",
    {_LEAD: "lead[word] = abs(round(here - there, 9))"},
)
name_clusters.slip(
    "rare_in_all_texts",
    "You multiplied by how rare a word is in all texts, as TF-IDF does. Asked for is the "
    "difference "
    "of two shares.",
    {
        _LEAD: (
            "rarity = __import__('math').log((1 + len(texts)) / (1 + sum(word in s for s in "
            "sets)))\n"
            "            lead[word] = round(here * rarity, 9)"
        )
    },
)
name_clusters.slip(
    "words_of_one_cluster_alone",
    "You left out words that any other text has. What counts is how much commoner they are here.",
    {_LEAD: "if there == 0:\n                lead[word] = round(here, 9)"},
)
name_clusters.slip(
    "letters_within_texts",
    "You looked for the letters of a word within the texts: 'hat' also stands in 'what'. Compare "
    "whole words.",
    {
        "sum(word in s for s in inside)": (
            "sum(word in t for t, c in zip(texts, clusters) if c == cluster)"
        ),
        "sum(word in s for s in outside)": (
            "sum(word in t for t, c in zip(texts, clusters) if c != cluster)"
        ),
    },
)
name_clusters.slip(
    "clusters_from_one",
    "You counted the clusters from 1. They begin at 0.",
    {"range(max(clusters) + 1)": "range(1, max(clusters) + 1)"},
)

name_clusters.hint(
    "A set of words for each text. Then two shares for each word: inside, and outside."
)
name_clusters.hint("Sort by (−difference, word), and cut.")
name_clusters.hint("Does 'stew stew' count once or twice?", when="counts texts, not occurrences")

for _name, _test in (("inside", "=="), ("outside", "!=")):
    for _strict in ("", ", strict=False"):
        _LINE = _name + " = [s for s, c in zip(sets, clusters{}) if c " + _test + " cluster]"
        name_clusters.equivalent(
            f"`{_LINE.format(', strict=True')}` → `{_LINE.format(_strict)}`",
            because="there is a cluster for every text",
        )
_THERE = "there = sum((word in s for s in outside)) / max({})"
name_clusters.equivalent(
    f"`{_THERE.format('len(outside), 1')}` → `{_THERE.format('1, len(outside)')}`",
    because="the larger of two numbers does not depend on their order",
)
for _digits in (8, 10):
    name_clusters.equivalent(
        f"`lead[word] = round(here - there, 9)` → `lead[word] = round(here - there, {_digits})`",
        because="shares of so few texts are equal or differ by far more",
    )
