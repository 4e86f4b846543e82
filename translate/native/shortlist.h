/* The vocabulary's short-list: of which tokens a source's translation may consist, and the logits of these alone.

   A table has the candidates of each source piece, and those of every source. Each slot keeps the list of its own. The
   product is taken over the union of the lists, with the weights of these columns copied together; a row's candidates are
   then taken out of it in the order of the list. So a row's choice, and its sums, do not depend on what else is in the union. */

#ifndef SHORTLIST_H
#define SHORTLIST_H

#include "dense.h"
#include "search.h"

/* Of the vocabulary in the union. For more, copying columns costs what a smaller product saves: with tiles, that is not much. */
#define MOST_JOINED(type) ((type) == FLOAT32 ? 0.85 : 0.5)

typedef struct {
    word count;
    const word *tokens; /* [count] */
} Barred;

/* A slot's candidates. */
typedef struct {
    word count, taken;         /* how many there are, and of how many the logits have been taken in this step */
    int32_t *tokens, *columns; /* [count], rising: they themselves, and their columns of `Shortlist.dense` */
    Buffer room;
} Own;

typedef struct {
    const word *starts;   /* [vocabulary + 2]: where each source piece's candidates begin, and those of every source, which are last */
    const int32_t *table; /* the candidates; both are the caller's */
    word vocabulary, count;  /* tokens in all, and in the union */
    int changed;             /* the union, since its columns were joined */
    int32_t *uses, *columns; /* [vocabulary]: how many slots have a token as a candidate; its column of `dense` */
    uint64_t *marks;         /* [vocabulary / 64 + 1]: a bit a token, zero between uses */
    Own *own;                /* [slots] */
    Dense dense;             /* the columns of the union */
    Buffer room, joined, logits, bars;
} Shortlist;

/* LANES words of 32 bits, whatever they hold, from places of their own. */
INLINE vec pick(const float *from, ivec places) {
#if LANES == 16
    return (vec)_mm512_i32gather_ps((__m512i)places, from, 4);
#elif defined(__AVX2__)
    return (vec)_mm256_i32gather_ps(from, (__m256i)places, 4);
#else
    vec found;
    for (int i = 0; i < LANES; i++) found[i] = from[places[i]];
    return found;
#endif
}

INLINE word whole_panels(word columns) { return (columns + PANEL - 1) / PANEL * PANEL; }

static void begin_shortlist(Shortlist *list, const word *starts, const int32_t *table, word vocabulary, word slots) {
    *list = (Shortlist){.starts = starts, .table = table, .vocabulary = vocabulary};
    list->uses = found(calloc(vocabulary, 4)), list->columns = found(calloc(vocabulary, 4));
    list->marks = found(calloc(vocabulary / 64 + 1, 8)), list->own = found(calloc(slots, sizeof(Own)));
}

static void free_shortlist(Shortlist *list, word slots) {
    for (word i = 0; list->own && i < slots; i++) free(list->own[i].room.at);
    free(list->uses), free(list->columns), free(list->marks), free(list->own);
    free(list->room.at), free(list->joined.at), free(list->logits.at), free(list->bars.at);
}

/* Give a slot its candidates: those of its source's pieces, the pieces themselves, for names and numbers are copied, and
   those of every source. */
static void list_candidates(Shortlist *list, word slot, const int32_t *source, word length) {
    Own *own = list->own + slot;
    word words = list->vocabulary / 64 + 1, n = 0;
    own->count = 0;
    for (word i = 0; i <= length; i++) {
        word piece = i < length ? source[i] : list->vocabulary;
        if (i < length) list->marks[piece / 64] |= 1ull << piece % 64;
        for (word at = list->starts[piece]; at < list->starts[piece + 1]; at++)
            list->marks[list->table[at] / 64] |= 1ull << list->table[at] % 64;
    }
    for (word i = 0; i < words; i++) own->count += __builtin_popcountll(list->marks[i]);
    own->tokens = reserve(&own->room, 2 * own->count * 4), own->columns = own->tokens + own->count;
    for (word i = 0; i < words; i++)
        for (; list->marks[i]; list->marks[i] &= list->marks[i] - 1) {
            word token = 64 * i + __builtin_ctzll(list->marks[i]);
            own->tokens[n++] = (int32_t)token, list->count += !list->uses[token]++;
        }
    list->changed = 1;
}

static void forget_candidates(Shortlist *list, word slot) {
    for (word i = 0; i < list->own[slot].count; i++) list->count -= !--list->uses[list->own[slot].tokens[i]];
    list->own[slot].count = 0;
}

/* Copy these tokens' columns of the weights together. `tokens` is filled up to whole panels. */
static void join_columns(Shortlist *list, const Dense *full, const int32_t *tokens, word columns) {
    word words = full->words;
    float *room = reserve(&list->room, columns * (words + 3) * 4);
    Dense *dense = &list->dense;
    *dense = *full;
    dense->width = dense->columns = columns, dense->packed = (char *)room;
    dense->bias = room + columns * words, dense->scales = dense->bias + columns;
    dense->added = (int32_t *)(dense->scales + columns);
    for (word n = 0; n < columns; n += PANEL) {
        float *to = room + n * words;
        const float *from = (const float *)full->packed;
        ivec places[2];
        for (word i = 0; i < PANEL; i++) {
            word token = tokens[n + i];
            places[i / LANES][i % LANES] = (int32_t)(token / PANEL * PANEL * words + token % PANEL);
            dense->bias[n + i] = full->bias[token], dense->scales[n + i] = full->scales[token];
            dense->added[n + i] = full->added[token];
        }
        for (word k = 0; k < words; k++, from += PANEL, to += PANEL)
            store(to, pick(from, places[0])), store(to + LANES, pick(from, places[1]));
    }
}

/* What to multiply with: all the weights where the slots want most of them, else the columns of the union, joined anew if
   sources were added, or where most slots are done. */
static const Dense *shorten(Shortlist *list, const Dense *full, const word *active, word slots) {
    if (list->count > full->columns * MOST_JOINED(full->type)) return full;
    if (!list->changed && list->dense.columns <= 2 * list->count + PANEL) return &list->dense;
    int32_t *joined = reserve(&list->joined, (list->count + PANEL) * 4);
    word n = 0;
    for (word token = 0; token < list->vocabulary; token++)
        if (list->uses[token]) list->columns[token] = (int32_t)n, joined[n++] = (int32_t)token;
    for (; n % PANEL; n++) joined[n] = joined[n - 1];
    join_columns(list, full, joined, n);
    for (word i = 0; i < slots; i++) {
        Own *own = list->own + active[i];
        for (word j = 0; j < own->count; j++) own->columns[j] = list->columns[own->tokens[j]];
    }
    list->changed = 0;
    return &list->dense;
}

/* Nothing is taken yet; how long the longest list is, in whole panels. */
static word begin_taking(Shortlist *list, const word *active, word slots) {
    word longest = 0;
    for (word i = 0; i < slots; i++) {
        list->own[active[i]].taken = 0;
        longest = list->own[active[i]].count > longest ? list->own[active[i]].count : longest;
    }
    return whole_panels(longest);
}

/* Take a slot's candidates out of columns `from` to `to` of its rows' logits. */
static void take_candidates(Own *own, int full, word rows, const float *logits, word stride, word from, word to,
                            float *own_logits, word own_stride) {
    const int32_t *columns = full ? own->tokens : own->columns;
    word i = own->taken;
    for (word row = 0; row < rows; row++, logits += stride, own_logits += own_stride) {
        for (i = own->taken; i + LANES <= own->count && columns[i + LANES - 1] < to; i += LANES)
            store(own_logits + i, pick(logits, *(const ivec *)(columns + i) - (int32_t)from));
        for (; i < own->count && columns[i] < to; i++) own_logits[i] = logits[columns[i] - from];
    }
    own->taken = i;
}

/* Where tokens stand in a list, those that do; how many. */
static word find_tokens(const Own *own, Barred barred, word *places) {
    word n = 0;
    for (word i = 0; i < barred.count; i++) {
        word low = 0, high = own->count;
        while (low < high) {
            word middle = (low + high) / 2;
            if (own->tokens[middle] < barred.tokens[i]) low = middle + 1;
            else high = middle;
        }
        if (low < own->count && own->tokens[low] == barred.tokens[i]) places[n++] = low;
    }
    return n;
}

/* The best of a row's candidates, block by block as in the whole vocabulary. */
static void choose_candidate(Shortlist *list, int rough, const Own *own, Choice *choice, word best, float *logits, Barred barred) {
    word *places = reserve(&list->bars, barred.count * sizeof(word)), bars = find_tokens(own, barred, places);
    word width = whole_panels(own->count);
    for (word i = own->count; i < width; i++) logits[i] = -INFINITY;
    for (word from = 0; from < width; from += LOGITS)
        choose(rough, choice, best, logits + from, from, from + LOGITS < width ? LOGITS : width - from, places, bars);
    for (word i = 0; i < best; i++) choice->tokens[i] = own->tokens[choice->tokens[i]];
}

#endif
