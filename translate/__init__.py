"""Translate many German texts into English with open Marian models.

The modules, in the order in which a text flows through them, and what each may import of the others. A test holds the
imports to this table.

records     the records between the stages, settings, signature, errors         nothing
modelfolder  a model's folder: its files, whether it is sound, its fingerprint   records
catalog     models.txt → a model on this machine                                records, modelfolder
shards      a list of documents → one machine's part of it                      records
places      names → paths, here or in an object store                           records
documents   paths → decoded documents → paragraphs                              records, places
sentences   paragraphs → sentence spans                                         records
batches     pure: windows of a stream, lengths → batches                        records
tokens      text ↔ token ids, normalisation, cutting what is too long           records
usercache   the folder for what can be made again                               nothing
engine      the seam, the registry, the echo engine                             records
measurements  pure: what a bench measures, and what the figures mean            nothing
engine_torch  which device, which number type                                   records
engine_hf   the engine `transformers`                                           records, batches, modelfolder, engine, engine_torch
engine_ct2  the engine `ctranslate2`                                            records, engine, engine_hf, usercache
engine_native_checkpoint  a Marian folder → what it says, its tensors              records, modelfolder
engine_native_rules    what of a generation_config and the settings is followed  records, engine
engine_native_jobs     what is still to be translated, shared by the workers    records
engine_native_weights  a checkpoint's weights, fused; packed for torch          records, engine_native_checkpoint
engine_native_compiled  the engine in C (native/): compiled on use, its slots   records, usercache, engine_native_rules, engine_native_jobs, engine_native_weights
engine_native_steps    the same by torch: encoder, one decoding step over caches  engine_native_weights
engine_native_scores   logits → candidates                                      engine_native_rules, engine_native_weights
engine_native_search   greedy and beam search over slots                        engine_native_rules, engine_native_weights, engine_native_scores
engine_native_loop     queue, slots, continuous batching                        records, engine_native_jobs, engine_native_weights, engine_native_steps, engine_native_search
engine_native  the engine `native`: settings, workers                           records, engine, engine_torch, engine_native_checkpoint, engine_native_rules, engine_native_jobs, engine_native_weights, engine_native_compiled, engine_native_steps, engine_native_search, engine_native_loop
checks      flags for a row, and what to try again                              records
memory      the translation memory, which is the journal too                    records, batches
files       text files that are complete or not there                           records, places
output      rows, run.json                                                      records, files
destinations  where the files of documents go: none twice, none through a link  records, places, files, output
recommendations  what a bench found, kept for the runs that follow              records, usercache, engine, measurements, files, output
runfolder   one output folder: lock, which run it holds, its files              records, places, shards, files, output, destinations
translator  a window of sentences → translations                                records, modelfolder, batches, checks, engine, memory, tokens
events      what a run tells, and its tally                                     records, catalog, output, translator
provenance  with what a run was made: versions, kind of machine                 nothing
pipeline    files → files: composes all of the above                            all above
cluster_options  which cluster, and how much of it; loads `cluster`             records, events, pipeline, cluster
cluster_connection  to a Ray cluster, and its errors as ours                records, cluster_options
cluster_journal  the memory of a cluster run, who owns what, who is at work     records, memory, translator
cluster_worker   what runs on the nodes: splitting, planning, engines           all above
cluster     the job on a Ray cluster: driver, stages, rows in order             all above
runs        paths → the rows of several runs, and of a reference                records, documents, output
alignment   pure: the rows of several runs of a document → groups               records
changes     pure: two translations → which words differ, classes of change      nothing
scores      sacreBLEU's metrics, intervals and tests, from one count a row      nothing
comparison  the records of a comparison, and the demands on it                  records, changes, scores
evaluation  a comparison and a reference → scores, significance, buckets        records, comparison, scores
compare     composes the above: runs → a comparison                             records, output, runs, alignment, changes, scores, comparison, evaluation
report      a comparison → text and JSON                                        records, files, output, changes, comparison
plots       a comparison → SVG                                                  changes, comparison
page        a comparison → one HTML file                                        records, files, output, changes, comparison, plots
samples     files → the sentences to measure with                               records, documents, sentences, checks, pipeline, runs
bench_worker  one engine in a process of its own, timed from inside             records, batches, tokens, engine, measurements, translator
bench       sweep → measurements, recommendations                               records, batches, tokens, measurements, recommendations, samples, bench_worker
bench_report  a bench → table, bench.json, and back                             records, files, output, measurements, bench
bench_plot  a bench → SVG                                                       files, output, measurements, bench
progress    shows a run on standard error                                       all above
cli_compare  the options of `translate compare`                                 all above
cli_bench   the options of `translate bench`                                    all above
cli_show    `translate segment`, `translate models`                             all above
cli         options, messages, exit statuses                                    all above
__main__    where the command begins                                            cli
"""
