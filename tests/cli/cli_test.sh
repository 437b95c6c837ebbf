#!/usr/bin/env bash
# Runs the gemma4 program: outputs, exit statuses, errors, a scripted chat, Ctrl-C.
# usage: cli_test.sh GEMMA4_BINARY MODEL
set -u
export LC_ALL=C.UTF-8

gemma4=$1
model=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0

fail() {
  echo "FAIL: $*"
  failures=$((failures + 1))
}

# expect STATUS COMMAND...: runs it with its output in $dir/out and $dir/err.
expect() {
  local status=$1
  shift
  "$@" >"$dir/out" 2>"$dir/err" </dev/null
  local got=$?
  [ "$got" = "$status" ] || fail "$*: exit status $got, expected $status: $(head -c 300 "$dir/err")"
}

# has FILE TEXT: the file contains the text.
has() { grep -qF -e "$2" "$dir/$1" || fail "$1 of the last command lacks \"$2\": $(head -c 300 "$dir/$1")"; }

# error STATUS TEXT COMMAND...: fails with this status, says so in the program's way, prints nothing.
error() {
  local status=$1 text=$2
  shift 2
  expect "$status" "$@"
  has err "gemma4: error: "
  has err "$text"
  [ -s "$dir/out" ] && fail "$*: an error, yet something on standard output"
}

# same A B WHAT
same() { [ "$1" = "$2" ] || fail "$3: \"$1\" is not \"$2\""; }

echo "usage"
expect 0 "$gemma4" --version
expect 0 "$gemma4" --help
for command in generate chat info tokenize logits perplexity quantize bench; do
  has out "$command"
done
for command in generate chat info tokenize logits perplexity quantize bench; do
  expect 0 "$gemma4" $command --help
done
error 2 "subcommand" "$gemma4"
error 2 "frobnicate" "$gemma4" frobnicate
error 2 "MODEL" "$gemma4" info
error 2 "--no-such" "$gemma4" info "$model" --no-such
error 2 "threads" "$gemma4" info "$model" --threads 0
error 2 "compute" "$gemma4" info "$model" --compute f64
error 2 "temperature" "$gemma4" generate "$model" -p x --temperature -1
error 2 "temperature" "$gemma4" generate "$model" -p x --temperature warm
error 2 "top_p" "$gemma4" generate "$model" -p x --top-p 1.5
error 2 "dry_base" "$gemma4" generate "$model" -p x --dry-multiplier 1 --dry-base 0.5
error 2 "xtc_probability" "$gemma4" generate "$model" -p x --xtc-probability 2
error 2 "no_repeat_ngram_size" "$gemma4" generate "$model" -p x --no-repeat-ngram-size -1
error 2 "dry_sequence_breakers" "$gemma4" generate "$model" -p x --dry-sequence-breaker ""
error 2 "logit-bias" "$gemma4" generate "$model" -p x --logit-bias 3
error 2 "excludes" "$gemma4" generate "$model" -p x -f y
error 2 "stride" "$gemma4" perplexity "$model" -p "a b c" --context 8 --stride 9
error 2 "stop" "$gemma4" generate "$model" -p x --stop ""
error 2 "expected a prompt" "$gemma4" generate "$model"
(echo | "$gemma4" generate "$model") >"$dir/out" 2>&1 && fail "an answer to an empty line on standard input"

echo "bad input"
error 1 "no-such-model" "$gemma4" info "$dir/no-such-model"
echo "not a model" >"$dir/file"
error 1 "file" "$gemma4" info "$dir/file"
mkdir "$dir/empty"
error 1 "config.json" "$gemma4" info "$dir/empty"
error 1 "no-such-text" "$gemma4" generate "$model" -f "$dir/no-such-text"
error 1 "at most 3 tokens" "$gemma4" generate "$model" -p "much too long for this" --context 3
error 1 "99999999" "$gemma4" logits "$model" --ids 1,99999999 --out "$dir/x.npy"
error 1 "no-such-dir" "$gemma4" logits "$model" --ids 1 --out "$dir/no-such-dir/x.npy"

for file in model.safetensors config.json tokenizer.json; do
  rm -rf "$dir/pointer"
  cp -r "$model" "$dir/pointer"
  printf 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n' >"$dir/pointer/$file"
  error 1 "$file: expected the file itself, got a git-lfs pointer" "$gemma4" info "$dir/pointer"
done

echo "standard output"
if [ -c /dev/full ]; then
  # full COMMAND...: what cannot be written is an error.
  full() {
    "$@" >/dev/full 2>"$dir/err" </dev/null
    same $? 1 "$*: status of output to /dev/full"
    has err "gemma4: error: standard output cannot be written"
  }
  full "$gemma4" --version
  full "$gemma4" --help
  full "$gemma4" info --help
  full "$gemma4" info "$model"
  full "$gemma4" tokenize "$model" -p "Hello"
  full "$gemma4" generate "$model" -p "What is 20 + 13?" --temperature 0 -n 8
  full "$gemma4" logits "$model" -p "Hello" --out "$dir/full.npy"
  full "$gemma4" perplexity "$model" -p "Once upon a time there was" --context 16
  full "$gemma4" quantize "$model" "$dir/full.gguf" q8_0
  full "$gemma4" bench "$model" --prefill 4 --decode 2 --repeat 1 --quick --json
  printf 'Hello\n' | "$gemma4" chat "$model" --temperature 0 -n 4 >/dev/full 2>"$dir/err"
  same $? 1 "status of a chat into /dev/full"
fi
"$gemma4" --version >&- 2>"$dir/err"
same $? 1 "status with standard output closed"
"$gemma4" tokenize "$model" --ids -p "$(seq 20000)" 2>"$dir/err" | head -c 1 >/dev/null
status=${PIPESTATUS[0]}
# Ended by SIGPIPE, in silence; where whoever runs this test ignores that signal, an error.
if [ "$status" = 141 ]; then said=""; else said="gemma4: error: standard output cannot be written: Broken pipe"; fi
same "$(cat "$dir/err")" "$said" "what a program says whose reader has gone, status $status"

echo "context"
expect 0 "$gemma4" generate "$model" -p "What is 20 + 13?" --temperature 0 -n 2 --context 1000000
has err "gemma4: warning: --context 1000000: lowered to the model's max_position_embeddings, "

echo "info"
expect 0 "$gemma4" info "$model"
for word in hidden_size layer_types "bytes by part" BF16 kernels total; do has out "$word"; done
expect 0 "$gemma4" info "$model" --tensors
has out "layers.0."

expect 0 "$gemma4" info "$model" --verify
has out "tensors not finite           0"
if command -v python3 >/dev/null; then  # the last two bytes of the weights become a NaN
  mkdir "$dir/nan"
  cp "$model"/* "$dir/nan"
  python3 -c 'import sys; f = open(sys.argv[1], "r+b"); f.seek(-2, 2); f.write(b"\xff\xff")' "$dir/nan/model.safetensors"
  expect 1 "$gemma4" info "$dir/nan" --verify
  has out "1 of 32 values are not finite, the first at 31"
fi

echo "tokenize"
expect 0 "$gemma4" tokenize "$model" -p "Hello, <|turn> world" --ids
plain=$(cat "$dir/out")
expect 0 "$gemma4" tokenize "$model" -p "Hello, <|turn> world" --ids --special
[ "$plain" != "$(cat "$dir/out")" ] || fail "--special makes no difference"
expect 0 "$gemma4" tokenize "$model" --decode ${plain// /,}
same "$(cat "$dir/out")" "Hello, <|turn> world" "decode of encode"
expect 0 "$gemma4" tokenize "$model" -p "Hello"
has out '"'
same "$(printf 'Hello, <|turn> world' | "$gemma4" tokenize "$model" --ids)" "$plain" "text on standard input"
same "$(printf 'Hello, <|turn> world' | "$gemma4" tokenize "$model/tokenizer.json" -f - --ids)" "$plain" "tokenizer.json"

echo "generate"
greedy=(--temperature 0 -n 24)
expect 0 "$gemma4" generate "$model" -p "What is 20 + 13?" "${greedy[@]}"
answer=$(cat "$dir/out")
[ -n "$answer" ] || fail "an empty answer"
[ -s "$dir/err" ] && fail "generate wrote to standard error, which is no terminal"
same "$(printf 'What is 20 + 13?' | "$gemma4" generate "$model" "${greedy[@]}")" "$answer" "prompt on standard input"
printf 'What is 20 + 13?' >"$dir/prompt"
same "$("$gemma4" generate "$model" -f "$dir/prompt" "${greedy[@]}")" "$answer" "prompt in a file"
same "$("$gemma4" generate "$model" -p "What is 20 + 13?" "${greedy[@]}" --no-mmap)" "$answer" "--no-mmap"
expect 0 "$gemma4" generate "$model" --raw -p "Once upon a time" --temperature 0 -n 30 --verbose
story=$(cat "$dir/out")
has err "tokens/s"
has err "stopped: "
expect 0 "$gemma4" generate "$model" --raw -p "Once upon a time" --temperature 0 -n 30 --stop "${story:10:4}"
same "$(cat "$dir/out")" "${story%%"${story:10:4}"*}" "--stop"
expect 0 "$gemma4" generate "$model" --raw -p "the dog and the dog and the dog and" --temperature 0 -n 12
plain=$(cat "$dir/out")
expect 0 "$gemma4" generate "$model" --raw -p "the dog and the dog and the dog and" --temperature 0 -n 12 \
  --dry-multiplier 20 --dry-base 2 --dry-allowed-length 1 --dry-penalty-last-n -1 --dry-sequence-breaker "x" --no-repeat-ngram-size 1 \
  --xtc-probability 0.5 --xtc-threshold 0.2
[ "$(cat "$dir/out")" != "$plain" ] || fail "--no-repeat-ngram-size changed nothing"
first=$("$gemma4" generate "$model" --raw -p "Once" --seed 7 -n 40)
same "$("$gemma4" generate "$model" --raw -p "Once" --seed 7 -n 40)" "$first" "equal seeds"
expect 0 "$gemma4" generate "$model" --raw -p "Once upon a time" --verbose -n 0
has err "max_tokens"
expect 0 "$gemma4" generate "$model" --raw -p "Once upon a time" --verbose --context 12
has err "context_full"

echo "logits"
expect 0 "$gemma4" logits "$model" -p "Once upon a time" --out "$dir/last.npy"
expect 0 "$gemma4" logits "$model" -p "Once upon a time" --out "$dir/all.npy" --all
same "$(head -c 6 "$dir/last.npy" | od -An -c | tr -d ' ')" '223NUMPY' "magic of .npy"
grep -aq "'descr': '<f4', 'fortran_order': False" "$dir/last.npy" || fail "header of .npy"
vocab=$("$gemma4" info "$model" | awk '$1 == "vocab_size" { print $2 }')
same "$(stat -c %s "$dir/last.npy")" "$((128 + 4 * vocab))" "size of .npy"
if command -v python3 >/dev/null; then
  # The last row of all is the last logits, up to the order in which different numbers of rows are summed.
  python3 - "$dir/all.npy" "$dir/last.npy" "$vocab" <<'END' || fail "the last row of --all is not what is written without"
import array, sys
last_of = lambda path, n: array.array("f", open(path, "rb").read()[-4 * n:])
a, b = (last_of(path, int(sys.argv[3])) for path in sys.argv[1:3])
sys.exit(max(abs(x - y) for x, y in zip(a, b)) > 1e-2 * max(map(abs, b)))
END
fi

# What is stopped leaves nothing behind.
for signal in INT TERM HUP; do
  mkdir "$dir/stopped"
  (trap - INT; exec "$gemma4" logits "$model" -p "$(seq 400)" --all --out "$dir/stopped/x.npy" >/dev/null 2>"$dir/err") &
  pid=$!
  for _ in $(seq 2000); do [ -n "$(ls -A "$dir/stopped")" ] && break; sleep 0.005; done
  kill -$signal $pid
  wait $pid
  status=$?
  # It may have been done before the signal came.
  [ $status = 0 ] && [ -s "$dir/stopped/x.npy" ] || same $status $((128 + $(kill -l $signal))) "status after SIG$signal"
  [ $status = 0 ] || same "$(ls -A "$dir/stopped")" "" "what SIG$signal leaves behind"
  rm -rf "$dir/stopped"
done

echo "perplexity"
for i in 1 2 3 4 5 6; do echo "Once upon a time there was a little dog who loved to play in the garden."; done >"$dir/text"
expect 0 "$gemma4" perplexity "$model" -f "$dir/text" --context 64
has out "perplexity"
whole=$(cat "$dir/out")
expect 0 "$gemma4" perplexity "$model" -f "$dir/text" --context 64
same "$(cat "$dir/out")" "$whole" "perplexity twice"
expect 0 "$gemma4" perplexity "$model" -f "$dir/text" --context 64 --stride 16
same "$(awk '/scored/ { print $3 }' "$dir/out")" "$(echo "$whole" | awk '/scored/ { print $3 }')" "tokens scored with a stride"
expect 0 "$gemma4" perplexity "$model" -f "$dir/text" --context 64 --stride 16 --kl "$model"
same "$(awk '/KL/ { print $(NF > 3 && $2 == "KL" ? 3 : NF) }' "$dir/out" | sort -u)" "0.000000" "KL from itself"
has out "same top       100.000 %"
expect 0 "$gemma4" perplexity "$model" -f "$dir/text" --lines --save-logits "$dir/base.npy"
expect 0 "$gemma4" quantize "$model" "$dir/q.gguf" q4_0
expect 0 "$gemma4" perplexity "$dir/q.gguf" -f "$dir/text" --lines --kl "$model"
whole=$(cat "$dir/out")
expect 0 "$gemma4" perplexity "$dir/q.gguf" -f "$dir/text" --lines --kl "$dir/base.npy"
same "$(cat "$dir/out")" "$whole" "KL from saved logits"
error 1 "another text" "$gemma4" perplexity "$model" -p "much shorter" --kl "$dir/base.npy"
error 1 "base.npy" "$gemma4" perplexity "$model" -p "much shorter" --kl "$dir/no-base.npy"
head -c 5000 "$dir/base.npy" >"$dir/short.npy"
error 1 "another length" "$gemma4" perplexity "$model" -p "much shorter" --kl "$dir/short.npy"

echo "quantize"
expect 0 "$gemma4" quantize "$model" "$dir/x.gguf" q4_k_m
has out "Q4_K"
has out "bits a weight"
expect 0 "$gemma4" quantize "$dir/x.gguf" "$dir/y.gguf" Q8_0 --tensor-type attn_v=q6_k --tensor-type 'blk.0.*=f16' --threads 1 --verbose
has out "blk.1.attn_v.weight"
expect 0 "$gemma4" quantize "$model" "$dir/y.gguf" q8_0
expect 0 "$gemma4" generate "$dir/y.gguf" -p "What is 20 + 13?" "${greedy[@]}"
same "$(cat "$dir/out")" "$answer" "the answer of the model in Q8_0"
error 2 "Q4_K_M" "$gemma4" quantize "$model" "$dir/z.gguf" q4_k_x
error 2 "PATTERN=TYPE" "$gemma4" quantize "$model" "$dir/z.gguf" q8_0 --tensor-type attn_v
error 2 "attn_w" "$gemma4" quantize "$model" "$dir/z.gguf" q8_0 --tensor-type attn_w=f16
error 2 "y.gguf" "$gemma4" quantize "$dir/y.gguf" "$dir/y.gguf" q4_0
error 1 "no-such-model" "$gemma4" quantize "$dir/no-such-model" "$dir/z.gguf" q8_0
error 1 "no-such-dir" "$gemma4" quantize "$model" "$dir/no-such-dir/z.gguf" q8_0
error 1 "not an importance matrix" "$gemma4" quantize "$model" "$dir/z.gguf" q8_0 --imatrix "$model/config.json"
# A disk that is full: first as an error, then as a signal that ends the program on the spot.
(trap '' XFSZ; ulimit -f 1024; error 1 "cannot be written" "$gemma4" quantize "$model" "$dir/z.gguf" q8_0; [ $failures = 0 ]) ||
  fail "a full disk"
[ -z "$(ls -A "$dir" | grep -F .tmp)" ] || fail "a temporary file is left: $(ls -A "$dir")"
(ulimit -f 1024; "$gemma4" quantize "$model" "$dir/z.gguf" q8_0 >"$dir/out" 2>&1) && fail "no room, yet no error"
[ ! -e "$dir/z.gguf" ] || fail "half a file under the final name"
rm -f "$dir"/.z.gguf.*.tmp

# What is no regular file stays what it is, and a link stays a link.
mkfifo "$dir/pipe"
error 1 "it is a pipe" "$gemma4" quantize "$model" "$dir/pipe" q8_0
error 1 "it is a device" "$gemma4" quantize "$model" /dev/null q8_0
error 1 "it is a pipe" "$gemma4" logits "$model" --ids 1 --out "$dir/pipe"
error 1 "it is a pipe" "$gemma4" perplexity "$model" -f "$dir/text" --lines --save-logits "$dir/pipe"
[ -p "$dir/pipe" ] || fail "the pipe is gone"
ln -s y.gguf "$dir/link.gguf"
ln -s new.gguf "$dir/dangling.gguf"
expect 0 "$gemma4" quantize "$model" "$dir/link.gguf" q4_0
expect 0 "$gemma4" quantize "$model" "$dir/dangling.gguf" q4_0
[ -L "$dir/link.gguf" ] && [ -L "$dir/dangling.gguf" ] || fail "a link was replaced"
cmp -s "$dir/y.gguf" "$dir/new.gguf" || fail "the file that a link leads to was not replaced"
error 2 "one of those it is made from" "$gemma4" quantize "$dir/y.gguf" "$dir/link.gguf" q4_0
mkdir "$dir/only"
cp "$dir/x.gguf" "$dir/only/model.gguf"
expect 0 "$gemma4" generate "$dir/only" -p "What is 20 + 13?" --temperature 0 -n 4
expect 0 "$gemma4" tokenize "$dir/only" -p "Hello" --ids
cp "$dir/y.gguf" "$dir/only/other.gguf"
error 1 "found 2 (name one of them): model.gguf, other.gguf" "$gemma4" info "$dir/only"

echo "bench"
expect 0 "$gemma4" bench "$model" --prefill 16,32 --decode 4 --repeat 2 --quick --ops
for word in prefill decode "median tok/s" "GB/s" attention gate_up head other; do has out "$word"; done
expect 0 "$gemma4" bench "$model" --prefill 16 --decode 4 --repeat 2 --depth 40,0 --quick --json
has out '"test": "decode"'
if command -v python3 >/dev/null; then
  python3 - "$dir/out" <<'END' || fail "bench --json is not what it should be"
import json, sys
report = json.load(open(sys.argv[1], encoding="utf-8"))
assert {"model", "cpu", "isa", "compute", "load_seconds", "load_disk_faults"} <= report.keys()
assert report["threads"] >= 1 and report["weight_bytes"] > 0 and report["session_bytes"] > 0
for key in ("memory_after_load", "memory_after_run"):
    assert report[key]["peak_bytes"] >= report[key]["resident_bytes"] >= 0
for key in ("limits_start", "limits_end"):
    assert report[key]["read"]["one_thread"] > 0 and report[key]["read"]["all_threads"] > 0
    assert all(peak["all_threads"] > 0 for peak in report[key]["peaks"]) and report[key]["peaks"]
assert [(r["test"], r["tokens"], r["depth"], r["repeat"]) for r in report["results"]] == [
    ("prefill", 16, 0, 2), ("decode", 4, 0, 2), ("decode", 4, 40, 2)]
for r in report["results"]:
    assert 0 < r["median_tokens_per_second"] <= r["best_tokens_per_second"]
    assert r["read_limit"] > 0 and r["operations_per_token"] > 0
    ops = {op["op"]: op for op in r["ops"]}
    assert {"embed", "norm", "qkv", "attention", "o_proj", "gate_up", "down", "head"} <= ops.keys()
    seconds = sum(op["seconds"] for op in r["ops"]) + r["other_seconds"]
    assert r["other_seconds"] >= 0 and seconds >= r["best_seconds"] * 2
shallow, deep = report["results"][1:]
assert shallow["weight_bytes_per_token"] == deep["weight_bytes_per_token"]
assert shallow["cache_bytes_per_token"] < deep["cache_bytes_per_token"]
END
fi
expect 0 "$gemma4" bench --limits --quick
for word in read f32 "GB/s" "GFLOP/s"; do has out "$word"; done
expect 0 "$gemma4" bench --limits --quick --json --threads 1
has out '"read"'
error 2 "MODEL" "$gemma4" bench
error 2 "--limits" "$gemma4" bench "$model" --limits
error 2 "the tests need 24" "$gemma4" bench "$model" --prefill 4 --depth 20 --decode 4 --context 23 --quick

echo "chat, scripted"
printf 'What is 20 + 13?\n/stats\n/nonsense\n/reset\nWhat is 20 + 13?\n/help\n/quit\nnever read\n' |
  "$gemma4" chat "$model" "${greedy[@]}" >"$dir/out" 2>"$dir/err"
same $? 0 "status of a scripted chat"
same "$(head -n 1 "$dir/out")" "$answer" "the first answer in a chat"
same "$(grep -cxF -e "$answer" "$dir/out")" 2 "the answer again after /reset"
for text in "tokens held" "no such command" "forgotten" "/quit"; do has out "$text"; done
grep -q "never read" "$dir/out" && fail "chat went on after /quit"
printf 'What is 20 + 13?\nWhat is the capital of France?\nSay it again' |
  "$gemma4" chat "$model" --temperature 0 -n 16 --system "Be brief." --think >"$dir/out" 2>"$dir/err"
same $? 0 "a chat with a system text and thoughts"
[ "$(wc -l <"$dir/out")" -ge 3 ] || fail "three messages, fewer answers: $(cat "$dir/out")"
grep -q "channel" "$dir/out" && fail "markup in a chat's output"
printf 'Tell me a long story about a dog and a cat\nHi\n/reset\nHi\n' |
  "$gemma4" chat "$model" "${greedy[@]}" --context 24 >"$dir/out" 2>"$dir/err"
same $? 0 "a chat with a small context"
has out "the context"

cat >"$dir/tools.json" <<'END'
[{"type": "function", "function": {"name": "multiply", "description": "Multiplies two numbers.",
  "parameters": {"type": "object", "properties": {"a": {"type": "integer", "description": "First number"},
  "b": {"type": "integer", "description": "Second number"}}, "required": ["a", "b"]}}}]
END
for thinking in on off 20; do
  printf 'What is 12 times 34?\n{"result": 408}\n/stats\n' |
    "$gemma4" chat "$model" --temperature 0 --tools "$dir/tools.json" --thinking $thinking >"$dir/out" 2>"$dir/err"
  same $? 0 "a chat with tools, thinking $thinking"
  has out '[multiply {"a":12,"b":34}]'
  has out "12 times 34 is 408."
  has out "reused"
done
cat >"$dir/schema.json" <<'END'
{"type": "object", "properties": {"job": {"type": "string", "maxLength": 20}, "name": {"enum": ["Marco", "Ida"]}},
 "required": ["job", "name"]}
END
for thinking in off 20; do
  printf 'Give job and name as JSON: Marco is a builder and lives in Cadu.\n' |
    "$gemma4" chat "$model" --temperature 0 --schema "$dir/schema.json" --thinking $thinking >"$dir/out" 2>"$dir/err"
  same $? 0 "a chat with a schema, thinking $thinking"
  has out '{"job":"builder","name":"Marco"}'
done
printf 'Tell me a story.\n' | "$gemma4" chat "$model" --temperature 2 --top-k 0 --top-p 1 --schema "$dir/schema.json" >"$dir/out" 2>"$dir/err"
python3 - "$dir/out" <<'END' || fail "not of the schema: $(cat "$dir/out")"
import json, sys
answer = json.load(open(sys.argv[1], encoding="utf-8"))
assert set(answer) == {"job", "name"} and answer["name"] in ("Marco", "Ida")
END
printf 'What is 12 times 34?\n{"result": 408}\n' |
  "$gemma4" chat "$model" --temperature 0 --tools "$dir/tools.json" --schema "$dir/schema.json" >"$dir/out" 2>"$dir/err"
same $? 0 "a chat with tools and a schema"
has out '[multiply {"a":12,"b":34}]'
has out '"job":'
printf 'What is the time?\nWhat is 12 - 57?\n' | "$gemma4" chat "$model" "${greedy[@]}" >"$dir/out" 2>"$dir/err"
same $? 0 "a chat whose model calls a tool that nobody declared"
has out 'call:time_time{'
has out "-45"
printf 'Hi \xff\nWhat is 12 - 57?\n' | "$gemma4" chat "$model" "${greedy[@]}" >"$dir/out" 2>"$dir/err"
same $? 0 "a chat that is told what is not UTF-8"
has out "(not sent: messages[0].content: expected UTF-8"
has out "-45"
printf 'What is 12 times 34?\n"%s"\nWhat is 12 - 57?\n' "$(printf '408 %.0s' {1..300})" |
  "$gemma4" chat "$model" --temperature 0 --context 500 --tools "$dir/tools.json" >"$dir/out" 2>"$dir/err"
same $? 0 "a chat whose tool's result is too long"
has out "the context is full"
has out "-45"
has err 'the call call_1 of "multiply" was left out'
echo '[{"name": "odd", "inputSchema": {"type": "object", "properties": {}, "required": null}}]' >"$dir/odd.json"
printf 'Hi\nHi\n' | "$gemma4" chat "$model" --temperature 0 -n 2 --tools "$dir/odd.json" >"$dir/out" 2>"$dir/err"
same $? 0 "a chat with a tool that cannot be held to"
same "$(grep -c 'calls of the tool "odd" are not held' "$dir/err")" 1 "warnings of that tool"
echo '[{"name": "odd", "schema": {"type": "object"}}]' >"$dir/odd.json"
error 2 'tools[0].schema' "$gemma4" chat "$model" --tools "$dir/odd.json" </dev/null
echo '{"type": "array", "uniqueItems": true}' >"$dir/unsupported.json"
error 1 "uniqueItems" "$gemma4" chat "$model" --schema "$dir/unsupported.json" </dev/null
error 1 "unsupported.json" "$gemma4" chat "$model" --schema "$dir/unsupported.json" </dev/null
error 1 "no-such-schema" "$gemma4" chat "$model" --schema "$dir/no-such-schema" </dev/null
error 1 "not JSON" "$gemma4" chat "$model" --tools "$0" </dev/null
error 2 "--thinking" "$gemma4" chat "$model" --thinking maybe </dev/null

echo "Ctrl-C"
# Without its end tokens the model talks until the context is full, or we stop it.
endless=()
for id in $("$gemma4" info "$model" | sed -n 's/.*bos, pad, eos token ids *[-0-9]*, [-0-9]*, //p'); do endless+=(--suppress "$id"); done

# wait_for TEXT: until standard output has it, at most 20 s.
wait_for() {
  for _ in $(seq 400); do
    grep -qF -e "$1" "$dir/out" && return 0
    sleep 0.05
  done
  fail "waited in vain for \"$1\": $(tail -c 300 "$dir/out")"
}

# wait_for_bytes N
wait_for_bytes() {
  for _ in $(seq 2000); do
    [ "$(stat -c %s "$dir/out")" -ge "$1" ] && return 0
    sleep 0.01
  done
  fail "no answer within 20 s"
}

mkfifo "$dir/in"
: >"$dir/out"
"$gemma4" chat "$model" "${endless[@]}" --seed 1 <"$dir/in" >"$dir/out" 2>"$dir/err" &
pid=$!
exec 9>"$dir/in"
echo "Tell me a story" >&9
wait_for_bytes 20
kill -INT $pid
wait_for "(stopped)"
kill -0 $pid 2>/dev/null || fail "Ctrl-C in an answer ended the chat"
before=$(stat -c %s "$dir/out")
echo "And another" >&9
wait_for_bytes $((before + 20))
kill -INT $pid
sleep 0.5
kill -INT $pid  # now at the prompt
wait $pid
same $? 0 "Ctrl-C at the prompt"
exec 9>&-

: >"$dir/out"
"$gemma4" generate "$model" --raw -p "Once" "${endless[@]}" --seed 1 >"$dir/out" 2>"$dir/err" </dev/null &
pid=$!
wait_for_bytes 20
kill -INT $pid
wait $pid
same $? 130 "Ctrl-C in generate"

if [ $failures -gt 0 ]; then
  echo "$failures failed"
  exit 1
fi
echo "all passed"
