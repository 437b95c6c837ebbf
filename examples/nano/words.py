"""Word lists, made-up words, and the rule that keeps some of each for the held-out sets."""

import zlib

import stories

WORDS = (
    "able acid also army atom aunt away axis baby back bake band bank barn base bath beam bean bell "
    "belt bend bike bill blue boat bold bolt bone boot born bowl brave bread brick bridge bring "
    "broom brush bucket bus button cab cabin cable camel camp candle candy cane cape card care cart "
    "cash castle cave chain chair chalk charm chest chin city clay clock cloud coach coal coast coat "
    "code coin cook cool copy corn cotton cow crab crane crop crow crown cup curl dance dawn deal deer "
    "desk dial dice dish dock doll donkey door dragon dream dress drop dune dust eagle earth echo "
    "edge eel elbow engine even ever fair fall farm fast fence fern field film fin fire fish flag "
    "flame flour flute fly foam fog fold foot fork fresh fruit game gate gem ghost giant gift glass "
    "globe glove glue gold grain grape gray grip guest guitar hair hall hammer hand harp hawk heart "
    "hello hero hill hint hole honey hook horn hotel hour house ice idea inch ink iron island item "
    "jacket jam jar jelly jet jewel job joke juice jump kick kid king kiss knee knife knot label "
    "lace lake land lane large laugh lawn leaf learn lemon lens letter level lid lift light lime "
    "line lion list loaf lock log long loop lunch magic mail map maple march mark mask meal melon "
    "mile milk mill mint model monkey moon motor mouth mud music nail name neck nest net nice nine "
    "noise north nose note nurse nut oak oar ocean olive onion open otter oven owl page paint "
    "palm pan panda paper party path peach pear pen pencil piano pie pig pilot pin pine pipe pizza "
    "plan planet plant plate plum pocket poem point pole pond pony pool port pot print puppy purple "
    "queen quick quiet rain rake ramp reach red reed rice ride ring rise road robe robot rock roof "
    "room root rope rose ruler sail salad salt sand scale seal seat seed shade shark shell ship shirt "
    "shoe shop silk silver sing six skate sky sled sleep smile smoke snail snow soap sock sofa song "
    "south spoon spot star steam stem step stick stone stool storm straw sugar suit sun swan sweet "
    "table tail tale tea team tent ticket tide tiger time tin toast tool top tower town toy track "
    "train tray tree trip truck tube tulip turtle uncle under unit valley van vase vest view vine "
    "violin voice wagon walk wall wave wax well west whale wheat wheel wind wing wire wolf wood wool "
    "word world worm yard yarn year zebra zero zone"
).split()

NAMES = (
    "Anna Tom Mia Ben Lily Max Emma Leo Nora Sam Ella Paul Sara Jack Ruth Finn Clara Oscar Ida Hugo "
    "Alice Bruno Carla David Eva Felix Grace Henry Iris Jonas Karin Lukas Maria Nils Olga Peter "
    "Rosa Simon Tina Viktor Wanda Zoe Amir Bella Carlos Diana Erik Fatima Gina Hans Ivan Julia "
    "Kevin Laura Marco Nadia Otto Petra Rita Stefan Tara Uma Vera Walter Yuki Adam Boris Celia "
    "Dario Elena Frank Greta Hana Isaac Jana Kai Linda Milan Nina Omar"
).split()

CITIES = (
    "Oslo Rome Paris Madrid Berlin Vienna Tokyo Cairo Lisbon Dublin Athens Warsaw Helsinki Ottawa "
    "London Milan Turin Lyon Nice Porto Seville Munich Hamburg Bremen Zurich Geneva Basel Prague "
    "Budapest Sofia Riga Tallinn Vilnius Krakow Malmo Bergen Aarhus Ghent Bruges Utrecht Delft "
    "Leeds Bristol York Cork Galway Boston Denver Dallas Austin Chicago Seattle Toronto Lima Quito "
    "Bogota Havana Nairobi Accra Lagos Tunis Delhi Mumbai Osaka Kyoto Seoul Hanoi Manila Perth "
    "Sydney Auckland"
).split()

ITEMS = (
    "lamp chair table book pen phone watch coat hat shoe bag cup plate knife spoon bottle pillow "
    "blanket mirror clock bike ball kite drum guitar piano camera radio desk sofa carpet candle "
    "basket ladder hammer saw brush bucket tent rope map ring scarf belt shirt jacket "
    "fan kettle toaster mug vase"
).split()

JOBS = (
    "teacher doctor baker pilot nurse farmer singer painter writer cook driver lawyer builder "
    "dentist gardener tailor dancer waiter judge sailor soldier plumber barber"
).split()

COLORS = "red blue green yellow white black brown pink gray purple".split()


def is_held_out(value):
    """One value in eight never occurs in training, in the tasks that split by value.

    The words of the stories stay in training: each is a token of its own, and no one can copy
    or spell a token without having seen it done.
    """
    return value not in stories.WORDS and zlib.crc32(str(value).encode()) % 8 == 0


def pick(random, make, held_out):
    """Draws from `make()` until the value lies on the wanted side of the split."""
    while True:
        value = make()
        if is_held_out(value) == held_out:
            return value


def made_up(random):
    """A pronounceable word of three to seven letters that is in no dictionary."""
    word = ""
    length = random.randint(3, 7)
    vowel = random.random() < 0.25
    while len(word) < length:
        word += random.choice("aeiou" if vowel else "bcdfghjklmnprstvwyz")
        vowel = not vowel if random.random() < 0.9 else vowel
    return word


def spliced(random):
    """The head of one word and the tail of another: `planet` and `tower` give `plawer`."""
    while True:
        head, tail = random.choice(WORDS), random.choice(WORDS)
        head, tail = head[: random.randint(1, len(head))], tail[random.randint(1, len(tail) - 1) :]
        if 3 <= len(head + tail) <= 8:
            return head + tail


def word(random, held_out=False):
    """A lower-case word: of the list, spliced or made up."""

    def make():
        kind = random.random()
        if kind < 0.25:
            return random.choice(WORDS)
        return spliced(random) if kind < 0.65 else made_up(random)

    return pick(random, make, held_out)


def proper(random, names, held_out=False):
    """A name out of `names`, or a made-up one in a third of the draws."""
    return pick(
        random,
        lambda: made_up(random).capitalize() if random.random() < 0.33 else random.choice(names),
        held_out,
    )


def item(random, held_out=False):
    """A thing one can buy; any word half of the time, so that things are no closed list."""
    if random.random() < 0.5:
        return word(random, held_out)
    return pick(random, lambda: random.choice(ITEMS), held_out)


def number(random, digits=2):
    """A number of at most `digits` digits, mostly with all of them."""
    low = 10 ** (digits - 1) if random.random() < 0.85 else 0
    return random.randint(low, 10**digits - 1)


def digits(random, count=6):
    """A string of digits, such as a phone number."""
    return "".join(random.choice("0123456789") for _ in range(count))
