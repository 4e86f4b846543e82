/* What Python and C give each other, by name: the records of compiled.py. A record that Python fills says first how long it is,
   and `abi` and `kernels_of` say for which records and limits a library was compiled: both sides check. */

#ifndef INTERFACE_H
#define INTERFACE_H

#include <stdint.h>

typedef int64_t word;

#define ABI 7 /* raised with every change of a record or of a function here */

/* What a function gives that has failed; else it gives 0 or a count. After it everything is as before the call. */
enum { NO_MEMORY = -1, REFUSED = -2 }; /* REFUSED: a record of another length, or a number out of bounds */

enum {
    WIDTH_STEP = 32,     /* all widths are multiples of it, on every processor */
    HEAD_STEP = 16,      /* and heads are multiples of this */
    WIDEST_HEAD = 128,
    WIDEST = 1 << 16,    /* of all widths */
    MOST_LAYERS = 1 << 10,
    MOST_TOKENS = 1 << 24, /* of a vocabulary */
    MOST_POSITIONS = 1 << 20,
    MOST_BEAMS = 16,
    MOST_SLOTS = 1 << 20
};

enum { FLOAT32, BFLOAT16, INT8 };          /* number types */
enum { LINEAR, SWISH, RELU };              /* activations */
enum { HEURISTIC, EARLY, HOPEFUL };        /* early_stopping: False, True, "never" */

/* What a library was compiled for. */
typedef struct {
    word kernels_bytes, sizes_bytes, weights_bytes, layer_bytes, rules_bytes, source_bytes, finished_bytes;
    word width_step, head_step, widest_head, most_beams;
    word bfloat16; /* whether the processor multiplies bfloat16, rounding in its own way */
    word tiles;    /* whether matrix tiles multiply */
} Kernels;

/* A model's sizes. Vocabularies and positions are the rows of its tables; `logits` are those of the last product. */
typedef struct {
    word bytes;
    word type, activation, d, encoder_heads, decoder_heads, encoder_inner, decoder_inner, encoder_layers, decoder_layers;
    word source_vocabulary, target_vocabulary, positions, logits;
} Sizes;

/* A weight [width, inputs] or, of a normalisation, [d]; and a bias [width] or [d]. */
typedef struct {
    const float *weight, *bias;
} Pair;

/* A layer's, an encoder's without cross-attention: qkv is query, key and value in one. */
typedef struct {
    Pair qkv, out, norm, cross_query, cross_out, cross_norm, up, down, final_norm;
} LayerWeights;

/* All of a model's. The four tables stay the caller's, who keeps them as long as the model; the rest is only read. memory:
   encoder output → keys and values of every decoder layer's cross-attention, [layers × 2 × d]. */
typedef struct {
    word bytes, encoder_layers, decoder_layers; /* how many the next two have */
    const LayerWeights *encoder, *decoder;
    const float *source_tokens, *target_tokens, *source_positions, *target_positions; /* [tokens, d], [positions, d] */
    Pair memory, logits;
} Weights;

/* What a search follows. */
typedef struct {
    word bytes;
    word beams, stopping, renormalise, start, end;
    word ngram;         /* tokens: no sequence of so many occurs twice; 0 is no such rule */
    word bars;          /* how many tokens are never chosen, and which: each once */
    const word *barred;
    double length_penalty;
} Rules;

/* A source: the caller's number for it, its tokens, and the most target tokens it may get, the end among them. */
typedef struct {
    word number, length, limit;
} Source;

/* A finished row: the caller's number, target tokens without the start, whether the model ended it, the sum of log-probabilities. */
typedef struct {
    word number, length, ended;
    float sum;
    int32_t unused;
} Finished;

typedef struct Model Model;
typedef struct Worker Worker;

word abi(void);
void kernels_of(Kernels *kernels);
word may_run(void);
word model_new(const Sizes *sizes, const Weights *weights, Model **made);
void model_free(Model *model);
word worker_new(const Model *model, const Rules *rules, word slots, word positions, Worker **made);
void worker_free(Worker *worker);
word worker_add(Worker *worker, word count, const Source *sources, word tokens, const int32_t *ids);
word worker_run(Worker *worker, word enough, word steps);
word worker_take(Worker *worker, word most, Finished *rows, word positions, int32_t *tokens);

#endif
