// gemma4 in Java, through JNA (Debian: libjna-java): a few greedy tokens, then a turn of a conversation.
//   javac -cp /usr/share/java/jna.jar -d classes Embed.java
//   java -cp /usr/share/java/jna.jar:classes -Djna.library.path=... Embed ../nano/model
import com.sun.jna.Callback;
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.nio.charset.StandardCharsets;

public class Embed {
  static final int EVENT_CONTENT = 0;
  static final int PROCEED = 0;

  interface EventCallback extends Callback {
    int invoke(Pointer userData, int type, Pointer text, long length, long index);
  }

  /** The functions of gemma4_c.h that are used here; size_t is a long on the machines that gemma4 runs on. */
  interface Gemma4 extends Library {
    String gemma4_last_error();
    int gemma4_model_load(byte[] path, long length, Pointer options, PointerByReference out);
    int gemma4_model_tokenizer(Pointer model, PointerByReference out);
    int gemma4_tokenizer_encode(Pointer tokenizer, byte[] text, long length, int addBos, int parseSpecial, int[] tokens,
                                long capacity, LongByReference outCount);
    int gemma4_session_create(Pointer model, Pointer options, PointerByReference out);
    int gemma4_sampler_options_of_model(Pointer model, PointerByReference out);
    int gemma4_sampler_options_set_temperature(Pointer options, float temperature);
    int gemma4_sampler_create(Pointer options, PointerByReference out);
    int gemma4_generation_create(Pointer session, int[] prompt, long n, Pointer sampler, Pointer options,
                                 PointerByReference out);
    int gemma4_generation_next(Pointer generation, IntByReference outMore);
    int gemma4_generation_piece_tokens(Pointer generation, int[] tokens, long capacity, LongByReference outCount);
    int gemma4_chat_options_create(PointerByReference out);
    int gemma4_chat_options_set_sampler(Pointer options, Pointer samplerOptions);
    int gemma4_chat_create(Pointer model, Pointer options, PointerByReference out);
    int gemma4_chat_send_text(Pointer chat, byte[] text, long length, Pointer options, EventCallback callback,
                              Pointer userData, Pointer outReply);
    int gemma4_chat_destroy(Pointer chat);
    int gemma4_chat_options_destroy(Pointer options);
    int gemma4_generation_destroy(Pointer generation);
    int gemma4_sampler_destroy(Pointer sampler);
    int gemma4_sampler_options_destroy(Pointer options);
    int gemma4_session_destroy(Pointer session);
    int gemma4_tokenizer_destroy(Pointer tokenizer);
    int gemma4_model_destroy(Pointer model);
  }

  static final Gemma4 lib = Native.load("gemma4_c", Gemma4.class);

  static void check(int status) {
    if (status != 0) throw new IllegalStateException(lib.gemma4_last_error());
  }

  static Pointer take(int status, PointerByReference out) {
    check(status);
    return out.getValue();
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  public static void main(String[] arguments) {
    byte[] path = utf8(arguments.length > 0 ? arguments[0] : "examples/nano/model");
    byte[] prompt = utf8("<bos><|turn>user\nWhat is 17 + 25?<turn|>\n<|turn>model\n");
    byte[] question = utf8("What is the capital of France?");
    PointerByReference out = new PointerByReference();
    LongByReference count = new LongByReference();
    IntByReference more = new IntByReference();
    int[] tokens = new int[256];

    Pointer model = take(lib.gemma4_model_load(path, path.length, null, out), out);
    Pointer tokenizer = take(lib.gemma4_model_tokenizer(model, out), out);
    check(lib.gemma4_tokenizer_encode(tokenizer, prompt, prompt.length, 0, 1, tokens, tokens.length, count));
    Pointer session = take(lib.gemma4_session_create(model, null, out), out);
    Pointer greedy = take(lib.gemma4_sampler_options_of_model(model, out), out);
    check(lib.gemma4_sampler_options_set_temperature(greedy, 0.0f));
    Pointer sampler = take(lib.gemma4_sampler_create(greedy, out), out);

    Pointer generation = take(lib.gemma4_generation_create(session, tokens, count.getValue(), sampler, null, out), out);
    StringBuilder line = new StringBuilder("tokens:");
    for (check(lib.gemma4_generation_next(generation, more)); more.getValue() != 0;
         check(lib.gemma4_generation_next(generation, more))) {
      check(lib.gemma4_generation_piece_tokens(generation, tokens, tokens.length, count));
      for (int i = 0; i < count.getValue(); ++i) line.append(' ').append(tokens[i]);
    }
    System.out.println(line);

    Pointer options = take(lib.gemma4_chat_options_create(out), out);
    check(lib.gemma4_chat_options_set_sampler(options, greedy));
    Pointer chat = take(lib.gemma4_chat_create(model, options, out), out);
    System.out.print("chat: ");
    EventCallback onEvent = (userData, type, text, length, index) -> {
      if (type == EVENT_CONTENT) {
        System.out.print(new String(text.getByteArray(0, (int) length), StandardCharsets.UTF_8));
      }
      return PROCEED;
    };
    check(lib.gemma4_chat_send_text(chat, question, question.length, null, onEvent, null, null));
    System.out.println();

    check(lib.gemma4_chat_destroy(chat));
    check(lib.gemma4_chat_options_destroy(options));
    check(lib.gemma4_generation_destroy(generation));
    check(lib.gemma4_sampler_destroy(sampler));
    check(lib.gemma4_sampler_options_destroy(greedy));
    check(lib.gemma4_session_destroy(session));
    check(lib.gemma4_tokenizer_destroy(tokenizer));
    check(lib.gemma4_model_destroy(model));
  }
}
