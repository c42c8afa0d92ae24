"""The document side: an assessment becomes one immutable `Document`, and that becomes files.

`build.build` makes the document; `html.render_html`, `pdf.render_pdf` and
`csv.render_csv` write it. `html` imports nbconvert and `pdf` imports typst, so
they are imported where they are used.
"""
