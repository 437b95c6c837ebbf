// gemma4 in Rust, by plain extern "C": a few greedy tokens, then a turn of a conversation.
//   rustc --edition 2021 -L native=LIBRARY_FOLDER embed.rs && LD_LIBRARY_PATH=LIBRARY_FOLDER ./embed ../nano/model
use std::ffi::CStr;
use std::io::Write;
use std::os::raw::{c_char, c_void};
use std::ptr::{null, null_mut};

/// Handles are numbers in the clothes of a pointer.
type Handle = *mut c_void;
type Status = i32;
type OnEvent = extern "C" fn(*mut c_void, i32, *const u8, usize, usize) -> i32;

// The functions of gemma4_c.h that are used here.
#[link(name = "gemma4_c")]
extern "C" {
    fn gemma4_last_error() -> *const c_char;
    fn gemma4_model_load(path: *const u8, length: usize, options: *const c_void, out: *mut Handle) -> Status;
    fn gemma4_model_tokenizer(model: Handle, out: *mut Handle) -> Status;
    fn gemma4_tokenizer_encode(
        tokenizer: Handle, text: *const u8, length: usize, add_bos: i32, parse_special: i32, tokens: *mut i32,
        capacity: usize, out_count: *mut usize,
    ) -> Status;
    fn gemma4_session_create(model: Handle, options: *const c_void, out: *mut Handle) -> Status;
    fn gemma4_sampler_options_of_model(model: Handle, out: *mut Handle) -> Status;
    fn gemma4_sampler_options_set_temperature(options: Handle, temperature: f32) -> Status;
    fn gemma4_sampler_create(options: Handle, out: *mut Handle) -> Status;
    fn gemma4_generation_create(
        session: Handle, prompt: *const i32, n: usize, sampler: Handle, options: *const c_void, out: *mut Handle,
    ) -> Status;
    fn gemma4_generation_next(generation: Handle, out_more: *mut i32) -> Status;
    fn gemma4_generation_piece_tokens(
        generation: Handle, tokens: *mut i32, capacity: usize, out_count: *mut usize,
    ) -> Status;
    fn gemma4_chat_options_create(out: *mut Handle) -> Status;
    fn gemma4_chat_options_set_sampler(options: Handle, sampler_options: Handle) -> Status;
    fn gemma4_chat_create(model: Handle, options: Handle, out: *mut Handle) -> Status;
    fn gemma4_chat_send_text(
        chat: Handle, text: *const u8, length: usize, options: *const c_void, callback: OnEvent,
        user_data: *mut c_void, out_reply: *mut Handle,
    ) -> Status;
    fn gemma4_chat_destroy(handle: Handle) -> Status;
    fn gemma4_chat_options_destroy(handle: Handle) -> Status;
    fn gemma4_generation_destroy(handle: Handle) -> Status;
    fn gemma4_sampler_destroy(handle: Handle) -> Status;
    fn gemma4_sampler_options_destroy(handle: Handle) -> Status;
    fn gemma4_session_destroy(handle: Handle) -> Status;
    fn gemma4_tokenizer_destroy(handle: Handle) -> Status;
    fn gemma4_model_destroy(handle: Handle) -> Status;
}

/// A handle with what ends it; in which order they go does not matter.
struct Owned(Handle, unsafe extern "C" fn(Handle) -> Status);

impl Drop for Owned {
    fn drop(&mut self) {
        unsafe { self.1(self.0) };
    }
}

fn check(status: Status) {
    if status != 0 {
        panic!("{}", unsafe { CStr::from_ptr(gemma4_last_error()) }.to_string_lossy());
    }
}

fn make(destroy: unsafe extern "C" fn(Handle) -> Status, create: impl FnOnce(*mut Handle) -> Status) -> Owned {
    let mut handle = null_mut();
    check(create(&mut handle));
    Owned(handle, destroy)
}

extern "C" fn on_event(_: *mut c_void, kind: i32, text: *const u8, length: usize, _: usize) -> i32 {
    if kind == 0 {
        let _ = std::io::stdout().write_all(unsafe { std::slice::from_raw_parts(text, length) });
    }
    0
}

fn main() {
    let path = std::env::args().nth(1).unwrap_or("examples/nano/model".into());
    let prompt = "<bos><|turn>user\nWhat is 17 + 25?<turn|>\n<|turn>model\n";
    let question = "What is the capital of France?";
    let (mut tokens, mut count, mut more) = ([0i32; 256], 0usize, 0i32);
    unsafe {
        let model = make(gemma4_model_destroy, |out| gemma4_model_load(path.as_ptr(), path.len(), null(), out));
        let tokenizer = make(gemma4_tokenizer_destroy, |out| gemma4_model_tokenizer(model.0, out));
        check(gemma4_tokenizer_encode(
            tokenizer.0, prompt.as_ptr(), prompt.len(), 0, 1, tokens.as_mut_ptr(), tokens.len(), &mut count,
        ));
        let session = make(gemma4_session_destroy, |out| gemma4_session_create(model.0, null(), out));
        let greedy = make(gemma4_sampler_options_destroy, |out| gemma4_sampler_options_of_model(model.0, out));
        check(gemma4_sampler_options_set_temperature(greedy.0, 0.0));
        let sampler = make(gemma4_sampler_destroy, |out| gemma4_sampler_create(greedy.0, out));

        let generation = make(gemma4_generation_destroy, |out| {
            gemma4_generation_create(session.0, tokens.as_ptr(), count, sampler.0, null(), out)
        });
        print!("tokens:");
        loop {
            check(gemma4_generation_next(generation.0, &mut more));
            if more == 0 {
                break;
            }
            check(gemma4_generation_piece_tokens(generation.0, tokens.as_mut_ptr(), tokens.len(), &mut count));
            tokens[..count].iter().for_each(|token| print!(" {token}"));
        }

        let options = make(gemma4_chat_options_destroy, |out| gemma4_chat_options_create(out));
        check(gemma4_chat_options_set_sampler(options.0, greedy.0));
        let chat = make(gemma4_chat_destroy, |out| gemma4_chat_create(model.0, options.0, out));
        print!("\nchat: ");
        check(gemma4_chat_send_text(
            chat.0, question.as_ptr(), question.len(), null(), on_event, null_mut(), null_mut(),
        ));
        println!();
    }
}
