"""What must not be translated, and how what must be is to be called: addresses, placeholders, tags and codes take a stand-in
through the model, and terms of a glossary get their English. Works on texts; knows neither engines nor files of rows.
"""
