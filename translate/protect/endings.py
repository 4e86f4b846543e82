"""Endings by which addresses without www. and files are told from words."""

import re

_DOMAINS = """
de at ch li com org net eu info biz io gov edu mil int uk us fr it nl pl cz dk se no fi es pt gr hu ro bg hr si sk ie ru ua tr jp cn ca
au nz br mx tv app dev ai cloud shop store blog news online site web page koeln cologne berlin hamburg bayern saarland ruhr nrw wien
tirol swiss name pro museum media
"""
DOMAINS = frozenset(_DOMAINS.split())
"""Endings that are German words (so, am, im, in, be) are left out."""

_FILES = """
txt md rst pdf docx? docm dotx? xlsx? xlsm xltx? pptx? ppsx? od[tspg] rtf csv tsv jsonl? xml xsd xslt? ya?ml toml ini cfg conf config
env log exe msi dll dylib lib bin dat dmg pkg iso img zip gz tgz tar bz2 xz 7z rar zst jar war apk ipa deb rpm jpe?g png gif svg bmp
tiff? webp heic ico psd indd eps ttf otf woff2? mp[34] m4[av] avi mov mkv webm wav flac ogg opus py pyc ipynb jsx? tsx? vue java class
kt cpp cxx cc hpp hh cs php rb rs go swift lua pl sh bash bat cmd ps1 html? xhtml css scss less sql db sqlite3? bak tmp old orig lock
pem crt cer key p12 pfx eml msg ics vcf srt vtt po pot mo xlf xliff tmx tbx epub mobi bib tex sty parquet feather h5 npz? safetensors
pt onnx gguf dwg dxf stl step gpx kml geojson c h
"""
FILES = re.compile("|".join(_FILES.split()), re.IGNORECASE)
"""Of any case: `IMG_4711.JPG`."""
