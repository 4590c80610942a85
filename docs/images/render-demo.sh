#!/usr/bin/env bash
# Runs the demo and draws its output as docs/images/demo.svg, so that the picture in the README is what the demo prints.
#   docs/images/render-demo.sh [PATH OF headstart]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
headstart=${1:-target/debug/headstart}
folder=$(mktemp -d)/headstart-demo
trap 'rm -rf "$(dirname "$folder")"' EXIT
"$headstart" demo -o "$folder" | sed "s|$folder|/tmp/headstart-demo|g" | sed '1{/^$/d}' | awk '
    function escaped(text) { gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text); return text }
    function colour(text) {
        if (text ~ /^[0-9]+\. /) return "#e6edf3"
        if (text ~ /^   \$ /) return "#7ee787"
        if (text ~ /^   > /) return "#d2a8ff"
        if (text ~ /^In figures/) return "#ffa657"
        return "#9da7b3"
    }
    { line[NR] = $0; if (length($0) > width) width = length($0) }
    END {
        w = width * 7.85 + 40; h = NR * 17 + 58
        printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Output of headstart demo\">\n", w, h, w, h
        printf "<rect width=\"100%%\" height=\"100%%\" rx=\"8\" fill=\"#0d1117\"/>\n"
        split("#ff5f57 #febc2e #28c840", dot, " ")
        for (n = 1; n <= 3; n++) printf "<circle cx=\"%d\" cy=\"18\" r=\"5\" fill=\"%s\"/>\n", 20 * n, dot[n]
        printf "<g font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"13\" xml:space=\"preserve\">\n"
        printf "<text x=\"20\" y=\"48\" fill=\"#7ee787\">$ headstart demo</text>\n"
        for (n = 1; n <= NR; n++) printf "<text x=\"20\" y=\"%d\" fill=\"%s\">%s</text>\n", 48 + 17 * n, colour(line[n]), escaped(line[n])
        print "</g>\n</svg>"
    }' >docs/images/demo.svg
