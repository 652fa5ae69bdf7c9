"""How `merge` is judged."""

from __future__ import annotations

import itertools

from descent.grading import Draw, Exercise, expect

Pair = tuple[bytes, bytes]


merge = Exercise("merge", minutes=20, difficulty=2, returns=list[bytes])


def _replayed(piece: bytes, merges: list[Pair]) -> list[bytes]:
    """Each merge of the list in turn over the whole piece: what training did, done again."""
    tokens = [bytes([byte]) for byte in piece]
    for pair in merges:
        tokens = _joined(tokens, pair)
    return tokens


def _joined(tokens: list[bytes], pair: Pair) -> list[bytes]:
    out, at = [], 0
    while at < len(tokens):
        if tuple(tokens[at : at + 2]) == pair:
            out.append(tokens[at] + tokens[at + 1])
            at += 2
        else:
            out.append(tokens[at])
            at += 1
    return out


def _learned(draw: Draw, letters: bytes, count: int) -> list[Pair]:
    """Merges as training makes them: each pair is of bytes or of earlier results."""
    tokens = [bytes([byte]) for byte in letters]
    merges: list[Pair] = []
    while len(merges) < count:
        pair = draw.choice(tokens), draw.choice(tokens)
        if pair[0] + pair[1] not in tokens:
            merges.append(pair)
            tokens.append(pair[0] + pair[1])
    return merges


def _piece(draw: Draw, letters: bytes, length: int) -> bytes:
    return bytes(letters[i] for i in draw.integers(0, len(letters), length))


def _ranks(merges: list[Pair], draw: Draw) -> dict[Pair, int]:
    """Pair → rank, with the dictionary in another order than the ranks'."""
    order = draw.rng.permutation(len(merges)).tolist()
    return {merges[i]: i for i in order}


def _expect_tokens(found: list[bytes], wanted: list[bytes]) -> None:
    # As numbers too, so that one way of cutting can be told from another.
    expect([len(token) for token in found], "the lengths of the tokens").equals(
        [len(token) for token in wanted]
    )
    expect(list(found), "the tokens").equals(wanted)


@merge.property("joins the pair of the lowest rank first, as training did", trials=7)
def _(answer, draw: Draw) -> None:
    merges = _learned(draw, b"abc", 4 + draw.size)
    piece = _piece(draw, b"abc", 1 + draw.size)
    _expect_tokens(answer(piece, _ranks(merges, draw)), _replayed(piece, merges))


@merge.property("takes overlapping pairs from left to right")
def _(answer, draw: Draw) -> None:
    length = 2 + draw.size
    ranks: dict[Pair, int] = {(b"a", b"a"): 0}
    _expect_tokens(answer(b"a" * length, ranks), _replayed(b"a" * length, [(b"a", b"a")]))


@merge.property("joins the result of a merge again")
def _(answer, draw: Draw) -> None:
    merges = [(b"l", b"o"), (b"lo", b"w"), (b"e", b"r"), (b"low", b"er")]
    _expect_tokens(answer(b"lower", _ranks(merges, draw)), [b"lower"])


@merge.property("goes by rank, not by which pair comes first or makes more")
def _(answer, draw: Draw) -> None:
    merges = [(b"b", b"c"), (b"a", b"b"), (b"ab", b"a"), (b"c", b"d")]
    piece = draw.choice([b"abcd", b"xabc", b"abca", b"abab"])
    _expect_tokens(answer(piece, _ranks(merges, draw)), _replayed(piece, merges))
    # Here (c, a) stands first, (a, b) occurs most often, and (b, c) has the lowest rank.
    merges, piece = [(b"b", b"c"), (b"c", b"a"), (b"a", b"b")], b"caxababxcabxabc"
    _expect_tokens(answer(piece, _ranks(merges, draw)), _replayed(piece, merges))


@merge.property("goes by rank, not by the order of the entries", trials=1)
def _(answer, draw: Draw) -> None:
    merges = [(b"b", b"c"), (b"a", b"b"), (b"a", b"bc"), (b"abc", b"d"), (b"c", b"d")]
    backwards = {pair: rank for rank, pair in reversed(list(enumerate(merges)))}
    for piece in (b"abc", b"xabcd", b"abcdcd"):
        _expect_tokens(answer(piece, backwards), _replayed(piece, merges))


@merge.property("joins the pair of rank 0 as well", trials=1)
def _(answer, draw: Draw) -> None:
    merges = [(b"o", b"n"), (b"t", b"h"), (b"th", b"e")]
    for piece in (b"on", b"then", b"one"):
        _expect_tokens(answer(piece, _ranks(merges, draw)), _replayed(piece, merges))


@merge.property("goes on until no two neighbours are a pair of the table", trials=1)
def _(answer, draw: Draw) -> None:
    # Both (ab, c) and (a, bc) make abc, so joining the pair of rank 4 brings one of rank 3.
    merges = [(b"b", b"c"), (b"a", b"b"), (b"ab", b"c"), (b"abc", b"d"), (b"a", b"bc")]
    for piece in (b"abcd", b"xabcdx"):
        wanted = [token for token in (b"x", b"abcd", b"x") if len(piece) > 4 or token != b"x"]
        _expect_tokens(answer(piece, _ranks(merges, draw)), wanted)


@merge.property("joins pairs of the table, not whatever spells the same")
def _(answer, draw: Draw) -> None:
    merges = [(b"a", b"b"), (b"b", b"c"), (b"a", b"bc")]
    _expect_tokens(answer(b"abc", _ranks(merges, draw)), [b"ab", b"c"])


@merge.property("leaves single bytes alone, of which a character may have several")
def _(answer, draw: Draw) -> None:
    for piece in ("é🙂".encode(), b"\x00\xff\x80", b"a"):
        _expect_tokens(answer(piece, {(b"a", b"a"): 0}), [bytes([byte]) for byte in piece])
    _expect_tokens(answer(b"ab", {}), [b"a", b"b"])


@merge.right
def right_merge(piece, ranks):
    tokens = [bytes([byte]) for byte in piece]
    while True:
        pairs = [pair for pair in itertools.pairwise(tokens) if pair in ranks]
        if not pairs:
            return tokens
        best = min(pairs, key=lambda pair: ranks[pair])
        joined, at = [], 0
        while at < len(tokens):
            if tuple(tokens[at : at + 2]) == best:
                joined.append(tokens[at] + tokens[at + 1])
                at += 2
            else:
                joined.append(tokens[at])
                at += 1
        tokens = joined


merge.slip(
    "first_found",
    "You joined the first pair that is in the table. Look at all neighbouring pairs, and join the "
    "one of the lowest rank: it was learned first.",
    {"min(pairs, key=lambda pair: ranks[pair])": "pairs[0]"},
)


@merge.mistake(
    "You joined the first pair from the left that is in the table, there alone, and began again. "
    "Of all neighbouring pairs the one of the lowest rank comes first, wherever it stands."
)
def first_place(piece, ranks):
    tokens = [bytes([byte]) for byte in piece]
    while True:
        places = [i for i in range(len(tokens) - 1) if (tokens[i], tokens[i + 1]) in ranks]
        if not places:
            return tokens
        tokens[places[0] : places[0] + 2] = [tokens[places[0]] + tokens[places[0] + 1]]


@merge.mistake(
    "You let a token grow from the left as long as it makes a pair with the next byte. Look at all "
    "neighbouring pairs of the piece, and join the one of the lowest rank first."
)
def grows_from_left(piece, ranks):
    tokens = [piece[:1]]
    for byte in piece[1:]:
        if (tokens[-1], bytes([byte])) in ranks:
            tokens[-1] += bytes([byte])
        else:
            tokens.append(bytes([byte]))
    return tokens


@merge.mistake(
    "You joined the pairs in the order in which they stand in the dictionary. That may be any "
    "order: the number that belongs to a pair says when it is its turn."
)
def in_order_of_entries(piece, ranks):
    tokens = [bytes([byte]) for byte in piece]
    for pair in ranks:
        tokens = _joined(tokens, pair)
    return tokens


@merge.mistake(
    "You went through the table once, from rank to rank. A join can bring up a pair of a lower "
    "rank, where two pairs make the same token: after each join look at all neighbours anew."
)
def one_pass(piece, ranks):
    tokens = [bytes([byte]) for byte in piece]
    for pair in sorted(ranks, key=lambda pair: ranks[pair]):
        tokens = _joined(tokens, pair)
    return tokens


@merge.mistake(
    "You listed the pairs once, among the single bytes. A join makes new neighbours, which may be "
    "a pair of the table as well: list the pairs anew after each one."
)
def pairs_of_bytes_only(piece, ranks):
    tokens = [bytes([byte]) for byte in piece]
    pairs = {pair for pair in itertools.pairwise(tokens) if pair in ranks}
    for pair in sorted(pairs, key=lambda pair: ranks[pair]):
        tokens = _joined(tokens, pair)
    return tokens


@merge.mistake("Of each pair of the table you joined one place only. Join it wherever it stands.")
def one_place_each(piece, ranks):
    tokens = [bytes([byte]) for byte in piece]
    for pair in sorted(ranks, key=lambda pair: ranks[pair]):
        pairs = list(itertools.pairwise(tokens))
        if pair in pairs:
            at = pairs.index(pair)
            tokens[at : at + 2] = [tokens[at] + tokens[at + 1]]
    return tokens


@merge.mistake(
    "You took the first pair of the dictionary that is among the neighbours. Its entries may stand "
    "in any order: of all the neighbouring pairs in the table take the one of the lowest rank."
)
def first_entry(piece, ranks):
    tokens = [bytes([byte]) for byte in piece]
    while pairs := [pair for pair in ranks if pair in list(itertools.pairwise(tokens))]:
        tokens = _joined(tokens, pairs[0])
    return tokens


@merge.mistake("(ab, c) is not a pair of the table; (a, bc) is. Look up pairs, not joined bytes.")
def by_spelling(piece, ranks):
    spelled: dict[bytes, int] = {}
    for (first, second), rank in ranks.items():
        spelled[first + second] = min(rank, spelled.get(first + second, rank))
    tokens = [bytes([byte]) for byte in piece]
    while learned := [p for p in itertools.pairwise(tokens) if p[0] + p[1] in spelled]:
        tokens = _joined(tokens, min(learned, key=lambda pair: spelled[pair[0] + pair[1]]))
    return tokens


merge.slip(
    "highest_first",
    "You joined the pair of the highest rank. The lowest was learned first: min, not max.",
    {"min(pairs": "max(pairs"},
)
merge.slip(
    "commonest_first",
    "You joined the pair that occurs most often in this piece. That is how the merges were "
    "learned, from a large text. To encode, take the neighbouring pair of the lowest rank.",
    {"min(pairs, key=lambda pair: ranks[pair])": "max(pairs, key=pairs.count)"},
)
merge.slip(
    "rank_0_left_out",
    "The pair of rank 0 is never joined: 0 counts as false. Ask `pair in ranks`, or compare with "
    "None.",
    {"if pair in ranks": "if ranks.get(pair)"},
)


@merge.mistake(
    "You took the longest token that fits, from the left. That is another encoding: byte-pair "
    "encoding repeats its merges in the order of their ranks."
)
def longest_match(piece, ranks):
    vocabulary = {first + second for first, second in ranks}
    tokens, at = [], 0
    while at < len(piece):
        ends = [e for e in range(len(piece), at + 1, -1) if piece[at:e] in vocabulary] or [at + 1]
        tokens.append(piece[at : ends[0]])
        at = ends[0]
    return tokens


merge.slip(
    "once_only",
    "You joined one pair and stopped. What came of it can be part of another pair: go on until "
    "no neighbouring pair is in the table.",
    {"        tokens = joined": "        return joined"},
)


@merge.mistake(
    "You joined the best pair at one place and stopped. Join it wherever it stands, and then look "
    "for the next one, until no neighbouring pair is in the table."
)
def one_place_only(piece, ranks):
    tokens = [bytes([byte]) for byte in piece]
    pairs = list(itertools.pairwise(tokens))
    known = [place for place, pair in enumerate(pairs) if pair in ranks]
    if known:
        at = min(known, key=lambda place: ranks[pairs[place]])
        tokens[at : at + 2] = [tokens[at] + tokens[at + 1]]
    return tokens


def _joined_from_right(tokens, pair):
    turned = [token[::-1] for token in reversed(tokens)]
    out = _joined(turned, (pair[1][::-1], pair[0][::-1]))
    return [token[::-1] for token in reversed(out)]


@merge.mistake(
    "You went through the piece from the right. In aaa it is the left pair that is joined."
)
def from_the_right(piece, ranks):
    tokens = [bytes([byte]) for byte in piece]
    while pairs := [pair for pair in itertools.pairwise(tokens) if pair in ranks]:
        tokens = _joined_from_right(tokens, min(pairs, key=lambda pair: ranks[pair]))
    return tokens


merge.slip(
    "overlapping",
    "You used a token for two pairs: aaa is aa and a, not aa and aa. After joining, go on behind "
    "the second token.",
    {
        "at += 2": "at += 1",
        "            else:\n": (
            "            elif not at or tuple(tokens[at - 1 : at + 1]) != best:\n"
        ),
        "                joined.append(tokens[at])\n                at += 1": (
            "                joined.append(tokens[at])\n                at += 1\n"
            "            else:\n                at += 1"
        ),
    },
)
merge.slip(
    "last_one_lost",
    "You lost the last token: where it is not part of a pair, it has no right neighbour and has "
    "to be kept as it is.",
    {"while at < len(tokens):": "while at < len(tokens) - 1:"},
)
merge.slip(
    "of_characters",
    "You began with characters. Byte-pair encoding begins with single bytes: é is two of them, "
    "and bytes([number]) makes one of a number.",
    {
        "[bytes([byte]) for byte in piece]": (
            '[character.encode() for character in piece.decode("utf-8", "replace")]'
        )
    },
)
merge.slip(
    "through_chr",
    "`chr(number).encode()` makes two bytes of a number above 127. A single byte of a number is "
    "bytes([number]).",
    {"bytes([byte])": "chr(byte).encode()"},
)


merge.hint("Begin with a list of single bytes. What are its neighbouring pairs, and their ranks?")
merge.hint("`min(pairs, key=lambda pair: ranks.get(pair, math.inf))` is the pair to join.")
merge.hint("Walk over the list once and build a new one; where the pair stands, step by two.")
merge.hint("By hand: b'aaab' with the single merge (a, a). What is left?", when="value")
merge.hint("Is the last token still there?", when="length")
merge.hint("Does your loop end when no pair is in the table?", when="slow")
