"""The report of a run: figures, one offline HTML file, and the verdict for a terminal.

Import from the modules: ``html.write_html``, ``text.render_verdict``, and the figures in ``activity_figure``,
``machine_figure`` and ``load_maps``. Nothing is imported here, since importing matplotlib takes a third of a second.
"""
