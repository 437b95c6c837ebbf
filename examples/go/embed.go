// gemma4 in Go, through cgo: a few greedy tokens, then a turn of a conversation.
//
//	go run embed.go ../nano/model      (pkg-config must find gemma4_c)
package main

/*
#cgo pkg-config: gemma4_c
#include <gemma4_c.h>
#include <stdlib.h>

int32_t goOnEvent(void* user_data, int32_t type, char* text, size_t length, size_t index);

static gemma4_status send_text(gemma4_chat* chat, const char* text, size_t length) {
  return gemma4_chat_send_text(chat, text, length, NULL, (gemma4_event_callback)goOnEvent, NULL, NULL);
}
*/
import "C"

import (
	"fmt"
	"log"
	"os"
	"runtime"
	"unsafe"
)

//export goOnEvent
func goOnEvent(userData unsafe.Pointer, kind C.int32_t, text *C.char, length C.size_t, index C.size_t) C.int32_t {
	if kind == C.GEMMA4_EVENT_CONTENT {
		fmt.Print(C.GoStringN(text, C.int(length)))
	}
	return C.GEMMA4_PROCEED
}

// The error text belongs to the thread: main keeps its goroutine on one.
func check(status C.gemma4_status) {
	if status != C.GEMMA4_OK {
		log.Fatal(C.GoString(C.gemma4_last_error()))
	}
}

func text(s string) (*C.char, C.size_t) {
	return C.CString(s), C.size_t(len(s))
}

func main() {
	runtime.LockOSThread()
	path := "examples/nano/model"
	if len(os.Args) > 1 {
		path = os.Args[1]
	}
	var model *C.gemma4_model
	data, length := text(path)
	defer C.free(unsafe.Pointer(data))
	check(C.gemma4_model_load(data, length, nil, &model))
	defer C.gemma4_model_destroy(model)
	var tokenizer *C.gemma4_tokenizer
	check(C.gemma4_model_tokenizer(model, &tokenizer))
	defer C.gemma4_tokenizer_destroy(tokenizer)

	var tokens [256]C.int32_t
	var count C.size_t
	prompt, promptLength := text("<bos><|turn>user\nWhat is 17 + 25?<turn|>\n<|turn>model\n")
	defer C.free(unsafe.Pointer(prompt))
	check(C.gemma4_tokenizer_encode(tokenizer, prompt, promptLength, 0, 1, &tokens[0], 256, &count))
	var session *C.gemma4_session
	check(C.gemma4_session_create(model, nil, &session))
	defer C.gemma4_session_destroy(session)
	var greedy *C.gemma4_sampler_options
	check(C.gemma4_sampler_options_of_model(model, &greedy))
	defer C.gemma4_sampler_options_destroy(greedy)
	check(C.gemma4_sampler_options_set_temperature(greedy, 0))
	var sampler *C.gemma4_sampler
	check(C.gemma4_sampler_create(greedy, &sampler))
	defer C.gemma4_sampler_destroy(sampler)

	var generation *C.gemma4_generation
	check(C.gemma4_generation_create(session, &tokens[0], count, sampler, nil, &generation))
	defer C.gemma4_generation_destroy(generation)
	fmt.Print("tokens:")
	for {
		var more C.int32_t
		check(C.gemma4_generation_next(generation, &more))
		if more == 0 {
			break
		}
		check(C.gemma4_generation_piece_tokens(generation, &tokens[0], 256, &count))
		for _, token := range tokens[:count] {
			fmt.Print(" ", token)
		}
	}

	var options *C.gemma4_chat_options
	check(C.gemma4_chat_options_create(&options))
	defer C.gemma4_chat_options_destroy(options)
	check(C.gemma4_chat_options_set_sampler(options, greedy))
	var chat *C.gemma4_chat
	check(C.gemma4_chat_create(model, options, &chat))
	defer C.gemma4_chat_destroy(chat)
	fmt.Print("\nchat: ")
	question, questionLength := text("What is the capital of France?")
	defer C.free(unsafe.Pointer(question))
	check(C.send_text(chat, question, questionLength))
	fmt.Println()
}
