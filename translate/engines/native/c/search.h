/* Greedy and beam search, slot by slot, with the results of transformers' `generate`. What happens to a slot depends on
   that slot alone. */

#ifndef SEARCH_H
#define SEARCH_H

#include "vectors.h"

#define NEVER -1.0e9f /* what `generate` adds to the score of a hypothesis that may not be taken; the same, so that sums are */
#define CANDIDATES (2 * MOST_BEAMS)
#define LOGITS 512 /* of a row, computed before tokens are chosen from them: they stay in the cache. The same for every batch,
                      since sums are taken block by block */

/* The highest logits of a row in falling order, of equals the first, and its sums of exponentials: without what is barred,
   and of what is barred, over the highest logit so far. */
typedef struct {
    float best[CANDIDATES], highest, allowed, barred;
    int32_t tokens[CANDIDATES];
} Choice;

/* A source, and what its beams have given so far. A beam goes on from another by taking over its lists: what is cached stays
   where it is. */
typedef struct {
    word number, position, limit, columns;
    int busy, done;
    int32_t *history; /* [beams][positions + 1]: the start, and each beam's tokens */
    uint16_t *own;    /* [beams][pages]: the columns of its past in the cache, position * beams + beam, a bit each */
    int32_t *best;    /* [positions + 1]: of the best finished hypothesis */
    int32_t tokens[MOST_BEAMS];
    float running[MOST_BEAMS], sums[MOST_BEAMS], finished[MOST_BEAMS];
    int is_finished[MOST_BEAMS];
    word best_length;
    float best_sum;
    int best_ended;
} Slot;

/* Pages of the longest past of all beams. */
INLINE word own_pages(const Rules *rules, word positions) { return round_up((positions + 1) * rules->beams, WIDTH) / WIDTH; }

/* Bytes of a slot's lists: every beam's history, the best hypothesis; and of every beam's own columns. */
INLINE word history_bytes(const Rules *rules, word positions) { return rules->beams * (positions + 1) * (word)sizeof(int32_t); }
INLINE word best_bytes(word positions) { return (positions + 1) * (word)sizeof(int32_t); }
INLINE word own_bytes(const Rules *rules, word positions) {
    return rules->beams * own_pages(rules, positions) * (word)sizeof(uint16_t);
}

/* Numbers of the list of what is barred for a row: how many, those always barred, and one for each n-gram that is repeated. */
INLINE word barred_numbers(const Rules *rules, word positions) { return 1 + rules->bars + positions + 1; }

static void begin_choice(Choice *choice, word count) {
    for (word i = 0; i < count; i++) choice->best[i] = -INFINITY, choice->tokens[i] = 0;
    choice->highest = -INFINITY, choice->allowed = choice->barred = 0;
}

INLINE float larger_of(float a, float b) { return a > b ? a : b; }

/* Take a logit into the list of the highest, behind its equals. */
INLINE void insert(Choice *choice, word count, float logit, int32_t token) {
    word place = count;
    for (; place && logit > choice->best[place - 1]; place--)
        if (place < count) choice->best[place] = choice->best[place - 1], choice->tokens[place] = choice->tokens[place - 1];
    if (place < count) choice->best[place] = logit, choice->tokens[place] = token;
}

/* Take `width` more logits of a row into account, the tokens from `first` on. Those barred become minus infinity. */
INLINE void choose_in(int rough, Choice *choice, word count, float *logits, word first, word width, const word *barred, word bars) {
    vec most[2] = {load(logits), load(logits + LANES)};
    for (word i = 2 * LANES; i < width; i += 2 * LANES)
        most[0] = larger(load(logits + i), most[0]), most[1] = larger(load(logits + i + LANES), most[1]);
    float high = largest(larger(most[0], most[1]));
    if (high > choice->highest) {
        float shrink = choice->allowed + choice->barred > 0 ? (float)exponential_of(larger_of(choice->highest - high, -80.0f)) : 0;
        choice->highest = high, choice->allowed *= shrink, choice->barred *= shrink;
    }
    for (word i = 0; i < bars; i++) {
        if (barred[i] < first || barred[i] >= first + width || logits[barred[i] - first] == -INFINITY) continue;
        choice->barred += (float)exponential_of(larger_of(logits[barred[i] - first] - choice->highest, -80.0f));
        logits[barred[i] - first] = -INFINITY;
    }
    vec even[PARTS] = {0}, odd[PARTS] = {0}, highest = all(choice->highest);
    for (word i = 0; i < width; i += 2 * WIDTH)
        for (int part = 0; part < PARTS; part++) {
            const float *at = logits + i + part * LANES;
            vec two[2] = {load(at) - highest, load(at + WIDTH) - highest};
            if (rough) rough_exponentials(two, 2);
            even[part] += rough ? two[0] : exponential(two[0]);
            odd[part] += rough ? two[1] : exponential(two[1]);
        }
    for (int part = 0; part < PARTS; part++) even[part] += odd[part];
    choice->allowed += total(even);
    if (!(high > choice->best[count - 1])) return;
    for (word block = 0; block < width; block += LANES)
        for (uint32_t higher = bits_of(load(logits + block) > all(choice->best[count - 1])); higher; higher &= higher - 1)
            insert(choice, count, logits[block + __builtin_ctz(higher)], (int32_t)(first + block + __builtin_ctz(higher)));
}

/* The same; exponentials may be rough if the logits are. */
static void choose(int rough, Choice *choice, word count, float *logits, word first, word width, const word *barred, word bars) {
    if (rough) choose_in(1, choice, count, logits, first, width, barred, bars);
    else choose_in(0, choice, count, logits, first, width, barred, bars);
}

/* Logarithms of the sums of the exponentials: over what is allowed, and over all. */
INLINE float log_allowed(const Choice *choice) { return (float)logarithm_of(choice->allowed) + choice->highest; }
INLINE float log_all(const Choice *choice) { return (float)logarithm_of(choice->allowed + choice->barred) + choice->highest; }

/* Tokens that may not come next. */
typedef struct {
    word count;
    const word *tokens; /* [count] */
} Barred;

/* The tokens barred for a row: always, and because they would repeat a sequence of `ngram` tokens. Each once. */
static word list_barred(const Rules *rules, const int32_t *history, word tokens, word *out) {
    word n = rules->bars, ngram = rules->ngram;
    memcpy(out, rules->barred, n * sizeof(word));
    for (word i = 0; ngram && i + ngram <= tokens; i++) {
        if (memcmp(history + i, history + tokens - ngram + 1, (ngram - 1) * 4)) continue;
        word token = history[i + ngram - 1], place = n;
        for (word j = 0; j < n; j++)
            if (out[j] == token) place = -1;
        if (place >= 0) out[n++] = token;
    }
    return n;
}

static void begin_slot(Slot *slot, const Rules *rules, word positions, word number, word limit) {
    word beams = rules->beams;
    slot->number = number, slot->limit = limit, slot->position = 0, slot->busy = 1, slot->done = 0;
    slot->best_length = 0, slot->best_sum = 0, slot->best_ended = 0;
    memset(slot->own, 0, (size_t)own_bytes(rules, positions));
    for (word b = 0; b < beams; b++) {
        slot->tokens[b] = slot->history[b * (positions + 1)] = (int32_t)rules->start;
        slot->running[b] = b ? NEVER : 0.0f, slot->finished[b] = NEVER;
        slot->sums[b] = 0, slot->is_finished[b] = 0;
    }
}

static void advance_greedily(Slot *slot, const Rules *rules, const Choice *choice) {
    slot->sums[0] += choice->best[0] - log_all(choice);
    slot->history[++slot->position] = slot->tokens[0] = choice->tokens[0];
    slot->best_ended = choice->tokens[0] == rules->end;
    slot->done = slot->best_ended || slot->position >= slot->limit;
    if (!slot->done) return;
    memcpy(slot->best, slot->history, (slot->position + 1) * 4);
    slot->best_length = slot->position, slot->best_sum = slot->sums[0];
}

/* The `count` highest of n values, of equals the first; their places in falling order. */
static void pick_highest(const float *values, word n, word count, word *places) {
    word found = 0;
    for (word i = 0; i < n; i++) {
        if (found == count && !(values[i] > values[places[count - 1]])) continue;
        word place = found < count ? found++ : count - 1;
        for (; place && values[i] > values[places[place - 1]]; place--) places[place] = places[place - 1];
        places[place] = i;
    }
}

typedef struct {
    float values[CANDIDATES], sums[CANDIDATES];
    word parents[CANDIDATES];
    int32_t tokens[CANDIDATES];
} Candidates;

/* The 2 * beams best continuations in falling order, so that as many as beams go on at worst. */
static void find_candidates(const Slot *slot, const Rules *rules, const Choice *choices, Candidates *found) {
    word beams = rules->beams, each = 2 * beams, places[CANDIDATES];
    float scores[MOST_BEAMS * CANDIDATES] = {0}, normaliser[MOST_BEAMS];
    for (word b = 0; b < beams; b++) {
        normaliser[b] = log_all(choices + b);
        float off = rules->renormalise ? log_allowed(choices + b) : normaliser[b];
        for (word i = 0; i < each; i++) scores[b * each + i] = choices[b].best[i] - off + slot->running[b];
    }
    pick_highest(scores, beams * each, each, places);
    for (word i = 0; i < each; i++) {
        word b = places[i] / each, rank = places[i] % each;
        found->values[i] = scores[places[i]], found->parents[i] = b, found->tokens[i] = choices[b].tokens[rank];
        found->sums[i] = choices[b].best[rank] - normaliser[b] + slot->sums[b];
    }
}

/* Keep the best finished hypotheses of those so far and those that have just ended. */
static void keep_finished(Slot *slot, const Rules *rules, const Candidates *found, const int *just, word positions, float power) {
    word beams = rules->beams, places[MOST_BEAMS];
    float merged[MOST_BEAMS + CANDIDATES] = {0};
    int flags[MOST_BEAMS + CANDIDATES], full = 1;
    for (word b = 0; b < beams; b++) full &= slot->is_finished[b];
    for (word b = 0; b < beams; b++) merged[b] = slot->finished[b], flags[b] = slot->is_finished[b];
    for (word i = 0; i < 2 * beams; i++) {
        float score = found->values[i] / power;
        if (rules->stopping == EARLY && full) score += NEVER;
        merged[beams + i] = just[i] ? score : score + NEVER, flags[beams + i] = just[i];
    }
    pick_highest(merged, 3 * beams, beams, places);
    for (word b = 0; b < beams; b++) slot->finished[b] = merged[places[b]], slot->is_finished[b] = flags[places[b]];
    if (places[0] < beams || !flags[places[0]]) return;
    word winner = places[0] - beams, length = slot->position + 1;
    memcpy(slot->best, slot->history + found->parents[winner] * (positions + 1), length * 4);
    slot->best[length] = found->tokens[winner];
    slot->best_length = length, slot->best_sum = found->sums[winner], slot->best_ended = found->tokens[winner] == rules->end;
}

/* Let each beam go on from its parent: `lists` are `step` bytes apart, of which `used` are in use. `before` has room for all. */
static void follow_parents(void *lists, const word *parents, word beams, word step, word used, char *before) {
    for (word b = 0; b < beams; b++) memcpy(before + b * used, (char *)lists + b * step, used);
    for (word b = 0; b < beams; b++)
        if (parents[b] != b) memcpy((char *)lists + b * step, before + parents[b] * used, used);
}

/* Whether running beams can no longer improve on the finished ones. `generate` compares with the worst finished score, and
   with NEVER while a place is empty. */
static int cannot_improve(const Slot *slot, const Rules *rules, const float *powers) {
    int full = 1;
    float worst = INFINITY;
    for (word b = 0; b < rules->beams; b++) {
        full &= slot->is_finished[b];
        worst = slot->finished[b] < worst ? slot->finished[b] : worst;
    }
    int hopeful = rules->stopping == HOPEFUL && rules->length_penalty > 0;
    float possible = slot->running[0] / powers[hopeful ? slot->limit : slot->position];
    return !(possible > (full ? worst : NEVER)) || (rules->stopping == EARLY && full);
}

/* `GenerationMixin._beam_search` of transformers for one slot. Names as there: a running beam goes on, a finished one waits
   for something better. powers[n] is n to the length penalty; the room is for a slot's lists. */
static void advance_beams(Slot *slot, const Rules *rules, const Choice *choices, word positions, const float *powers, char *room) {
    word beams = rules->beams, going[MOST_BEAMS], parents[MOST_BEAMS];
    Candidates found;
    find_candidates(slot, rules, choices, &found);
    int just[CANDIDATES], last = slot->position + 1 >= slot->limit, any = 0, all_end = 1;
    float rest[CANDIDATES];
    for (word i = 0; i < 2 * beams; i++) {
        int ends = last || found.tokens[i] == rules->end;
        just[i] = ends && i < beams, any |= just[i], all_end &= ends;
        rest[i] = ends ? found.values[i] + NEVER : found.values[i];
    }
    if (any) keep_finished(slot, rules, &found, just, positions, powers[slot->position + 1]);
    pick_highest(rest, 2 * beams, beams, going);
    for (word b = 0; b < beams; b++) {
        parents[b] = found.parents[going[b]], slot->tokens[b] = found.tokens[going[b]];
        slot->running[b] = rest[going[b]], slot->sums[b] = found.sums[going[b]];
    }
    word count = ++slot->position;
    follow_parents(slot->history, parents, beams, (positions + 1) * 4, count * 4, room);
    follow_parents(slot->own, parents, beams, own_pages(rules, positions) * 2, (count * beams + WIDTH - 1) / WIDTH * 2, room);
    for (word b = 0; b < beams; b++) slot->history[b * (positions + 1) + count] = slot->tokens[b];
    slot->done = all_end || cannot_improve(slot, rules, powers);
}

#endif
