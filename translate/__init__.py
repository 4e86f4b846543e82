"""Translate many German texts into English with open Marian models.

The modules, in the order in which a text flows through them, and what each may import of the others. A test holds the
imports to this table.

records     the records between the stages, settings, signature, errors         nothing
catalog     models.txt → a model on this machine                                records
documents   paths → decoded documents → paragraphs                              records
sentences   paragraphs → sentence spans                                         records
batches     pure: windows of a stream, lengths → batches                        records
tokens      text ↔ token ids, normalisation, cutting what is too long           records
engine      the seam, the registry, the echo engine                             records
engine_hf   the engine `transformers`                                           records, batches, catalog, engine
checks      flags for a row, and what to try again                              records
memory      the translation memory, which is the journal too                    records, batches
output      rows, run.json, files that are complete or not there                records
runfolder   one output folder: lock, which run it holds, its files              records, output
translator  a window of sentences → translations                                records, batches, checks, engine, memory, tokens
events      what a run tells, and its tally                                     records, catalog, output, translator
pipeline    files → files: composes all of the above                            all above
progress    shows a run on standard error                                       all above
cli         options, messages, exit statuses                                    all above
"""
