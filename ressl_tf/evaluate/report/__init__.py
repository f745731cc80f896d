"""One HTML file that shows a run; a file of this folder for each part of the page."""
