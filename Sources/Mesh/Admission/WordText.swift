extension WordList {
  /// The list itself, in alphabetical order.
  ///
  /// Chosen by hand for words that are common, easily said over a bad line and spelt alike on both
  /// sides of the Atlantic. Left out: numbers (the nameplate is one), words said while reading a code
  /// aloud ("dash", "code", "letter"), words that hurt alone or beside another, and the one of two
  /// that sound alike.
  static let text = """
    abacus ability academy accent acorn acoustic acre acrobat action actor adapt adjust admiral
    advance advice afloat agenda agile agree airmail airport airship airy alarm album alcove alert
    algebra alive alloy almanac almond aloft alpaca alphabet alpine alto amaze amber amigo ample
    amuse anchor ancient animal anise ankle annual answer antelope anthem antler anvil apart apex
    apple apricot apron aqua arbor arcade arch arctic arena armchair aroma around arrange arrive
    arrow artist ascend aside aspect asphalt assist aster athlete atlas atoll atom attach attend
    attic auction audio august aurora author autumn avenue average aviator avocado awake award axiom
    axis axle azure backpack badge bagel baggage bagpipe bakery balance balcony balloon balmy balsa
    bamboo banana bandana bangle banjo banner banquet barge barista barley barn barrel basalt basil
    basket bassoon bathtub baton battery bayou beacon beagle beam bedroom beehive beetle begin beige
    belfry bellhop belong bench benefit beret bicycle billiard binary bingo biology biplane birch
    bird birthday biscuit bison bistro blanket blaze blend blimp blink block bloom blossom blouse
    bluebell bluff boat bobbin bobcat bobsled body bold bonfire bongo bonnet bonsai bonus book boost
    boot border borrow botany bottle bounce bowl boxcar bracket braid bramble branch brass brave
    breaker breeze brick bridge brief bright brim bring brisk broad broccoli bronze brook brother
    brunch brush bubble bucket buddy budget buffalo bugle build bulb bulletin bumper bundle bungalow
    bunny burger bushel busy butter buzzer cabbage cabin cable cactus cadence cafe cake calendar
    calico call calm calypso camel campfire canal candle canoe canteen canvas canyon capable caper
    capsule captain caramel carbon cardinal career cargo carnival carol carpet carriage cart cascade
    cashew castle casual catch cattle causeway cavern cedar celery cement century ceramic certain
    chair chalk champion change chapter charm chase checkers cheese chef chemist cherry chess child
    chimney chipmunk chisel choice chorus chosen chowder chrome chuckle cinema cinnamon circle
    citizen citrus city civic claim clap clarinet clasp clay clean clerk clever client cliff climb
    clip cloak clock cloth cloud clover clown club clue clutch coach coal coast coat cobalt cobbler
    cobra cobweb coffee coil coin collage colony column combine comedy comfort comic common compass
    concert condor cone confetti connect console contest convoy cookie copper copy coral corduroy
    corgi corn coronet correct cosmic costume cotton count couple courage cousin cover cowboy coyote
    crab crackle cradle craft crane crater crayon cream credit crest crew cricket crisp critic
    crocus crop crouton crowd crumb crust crystal cube cucumber cuff cupboard cupcake curl curry
    cursive curtain curve cushion custard cutlery cycle cylinder dabble daffodil dahlia daily dairy
    daisy dance dart date daughter dawn daylight dazzle debate decade decide deck declare decorate
    deep defend delay deliver delta demand denim depart depot depth derby design desk detail detect
    develop device diagram dial diamond diesel dignity dime dimple dingo dinner dinosaur diploma
    disco dish distance ditto diver divide dock doctor dodge dogwood dollar dolphin dome domino
    donate donkey door dormouse dove down dozen dragon drama drape draw dream dress drift drill
    drink drive drizzle drop drum duck duet duke dumpling dune duplex dusk dust duvet dynamic eager
    eagle early earmuff earring earth east easy ebony echo eclair eclipse economy edge edible
    edition effort eggplant eggshell elastic elbow electric elegant element elephant elixir ellipse
    embark emblem embrace emerald emotion enable encore energy engage engine enjoy enrich ensemble
    enter entire entrance envelope envoy epic episode epoch equal eraser escape espresso essay
    estate eternal ethics eureka evening every evident evolve exact example exercise exhibit exist
    exit exotic expand expert explore export express extend extra eyebrow eyelash fable fabric facet
    fact faculty falcon family famous fancy fantasy farm fashion fast fathom faucet fawn feast
    feather fedora fence fender fern ferret festival fetch fiction fiddle field fiesta fifty figure
    filament file film filter final finch find finger finish fire fish fitness fixture fizz flag
    flake flamingo flannel flash flat fleece flexible flicker flight flint flip float flock floor
    floral flounder fluffy fluid flute flyer foam focus foggy foil fold foliage folk follow fondue
    font food football forest fork format fortune forum forward fossil foster fountain fraction
    frame freckle freedom freight fresh friday friend fringe frisbee frog frolic frost frozen frugal
    fudge fuel full function funnel furry fusion fuzzy gadget galaxy gallery game gander garage
    garden garlic garment garnet gather gazebo gear gecko gelatin gemstone general genius gentle
    genuine geode gerbil gesture giant gift giggle ginger giraffe given glacier glad glance glass
    glaze gleam glide glimmer glisten glitter globe glory glossy glove glow glue gnome goal goat
    goblet goggles gold golf gondola good goose gopher gorge gosling govern grace grade grain
    grammar grand grape grass grateful gravity green grid grill grin grip grocery groove grotto
    group growth guard guava guide guitar gumbo gumdrop guppy gusto gymnast habit haiku halfway
    halibut halo hamlet hammock hamster hand happy harmony harness harp harvest haste hatbox hatch
    hawk haystack hazel headline health heart heather heavy hedge helix hello helmet help herald
    heritage hero hexagon hickory hidden highway hiker hill hinge hippo history hobby hockey holiday
    hollow home honest hood hope horizon horn host hotel house hover huge human humble humid hummus
    hurdle hurry hyacinth hybrid hydrant iceberg icicle icing icon idea idiom igloo ignite iguana
    image imitate impact import impress inbox include index indigo indoor ingot inkpot inland inlet
    inner input inside inspire install intake invoice iris iron island italic ivory jacket jade
    jaguar jalopy jamboree jargon jasmine jaunt javelin jazz jeep jelly jersey jester jetty jewel
    jigsaw jingle jockey jogger joke jolly journal jovial joyful jubilee judge judo juggle juice
    jukebox july jumble jump junction june jungle junior jury kangaroo karate kayak kebab keen
    keeper kennel ketchup kettle keyboard keyhole keynote keypad keyring kickoff kilt kimono kind
    king kiosk kitchen kite kitten kiwi knack knapsack koala kudos label lace ladder ladle ladybug
    lagoon lake lamp land language lantern laptop large lark laser lasso latte laugh launch laurel
    lava lavender lawn layer layout leader leaf league learn leather lecture leeway left legacy
    legend legume lemon lemur length lens lentil leopard level lexicon liberty library lifeboat lift
    light lilac lily lime limit linen lion list literary litmus little lively living lizard loaf
    lobby lobster local locket lodge logbook logic lollipop long look loop loose lotion lotus loud
    lounge lowland loyal lucid lucky luggage lullaby lumber luminous lunar lunch luxury lynx lyric
    macaroni mackerel maestro magazine magenta magic magma magnet magpie mahogany mailbox major
    mallet mambo mammoth manatee mandolin mango mansion maple marathon marble march marigold market
    marlin marmot maroon marvel mascot mask mason massive matador match material math matrix matter
    maverick mayfly mayor meadow meal meander measure mechanic media medley meerkat mellow melody
    memory mention menu merger merit mermaid mesa message meteor method metro micro middle midnight
    midway mild milk mimic mingle minnow mint minute miracle mirror mitten mixture mobile mocha
    model modify module mohair moment monday money monitor monocle monsoon month monument mood moon
    morsel mosaic moss motel moth motion motor motto mountain mouse move movie muffin mulberry mule
    mural museum mushroom music mustard mutual mystery myth nacho name napkin narrow narwhal nature
    nautical navy near neat nebula necklace nectar neon nephew neptune nest network newsroom nibble
    nickel niece nifty nightcap nimble ninja noble node noise nomad noodle noon normal north notch
    note nougat novel novice nozzle nuance nucleus nudge nugget nurse nutmeg nutshell nylon oasis
    oatcake oatmeal obelisk oblong oboe obtain ocean ocelot octagon october offer office offset
    olive omnibus onion online onlooker onward onyx opal open opera opossum orange orbit orca
    orchard order oregano origami oriole ornament osprey ostrich otter ottoman outdoor outer outfit
    outline outpost oval overcoat owner oxide oxygen oyster ozone pacific paddle page pagoda paint
    paisley palace palm pamphlet pancake panda panel panorama pantry papaya paper paprika parade
    parcel pardon parent park parrot parsley partner passport pasta patch patent path patrol pattern
    pavement pavilion peach peanut pebble pecan pedestal pelican pencil pendant penguin penny people
    pepper perfect pesto petunia phoenix phone photo phrase physics piano piccolo pickle picnic
    picture pigeon pillar pilot pinball pinecone pink pinwheel pioneer pipe pirate pitch pivot pixel
    pizza place plaid planet plasma plate playful plaza pleasant pledge plenty pliers plinth plumage
    plural plush pocket podium poem poetry point polar polish polka pollen polo polygon poncho pond
    pontoon pony poodle pool popcorn porch porpoise postcard potato pottery prairie prelude premium
    present pretty preview price pride prism profile project promise prong proof propel protein
    proud pudding puffin pulley pulp pulse puma pumpkin pupil puppet purple purse push puzzle
    pyramid python quadrant quail quantum quarry quasar queen quench quest quick quiet quill quince
    quirk quiver quota rabbit racket radar radiant raft ragtime rail rainbow raisin rally ramble
    ramp ranch random range rapid rare rattle raven ravine razor reach reader realm reason rebuild
    recall receipt recipe recycle redwood reef referee refill reflect refresh regal region rehearse
    reindeer relay relief remedy remind remote rename renew repair repeat reply report rescue
    reserve restore retina retreat return reunion reveal reward rhino rhubarb rhyme ribbon rice rich
    riddle ridge rigid ringlet ripple risotto river roast robin robot robust rocket rodeo roller
    romance roof rookie room rooster rope rosemary rotate rotunda round router rowboat royal ruby
    rucksack rudder ruffle rugby ruler rumba runner runway rural rustic saddle safari safety saffron
    sage sailor salad salmon salon salsa salt salute samba sample sandal sapling sapphire sardine
    satchel satin saturn saucer sauna sausage savanna sawdust scale scan scarf scatter scheme
    scholar science scissors scone scooter scope scout scramble screen script scroll scrub scuba
    sculptor seafood seagull seal search season seat seaweed secret section segment seminar senior
    sentence sepia sequel serene series sesame session settle shade shake shallow shampoo shape
    shark shawl shelf shepherd sherbet shield shift shimmer shine ship shirt shoelace shop shoulder
    shovel shrimp shuffle shuttle sidewalk sienna siesta signal silent silicon silk silver simple
    singer siphon sister sitar sixty skate sketch skill skip skirt skyline slalom slate sleek
    slender slice slide slipper slogan slope sloth slow small smart smile smooth snack snail snap
    sneaker snooze snorkel snow snug soap soccer social socket soda sofa soft soil solar solid solo
    solstice solve sombrero sonar sonic sonnet soprano sorbet sort sound soup south soybean spaniel
    spare spatula speaker special speech sphere sphinx spice spider spinach spiral splash splendid
    split sponge spoon sport spot spray spread spring sprout spruce square squid stable stadium
    staff stage stamp stanza star station stay steady stem stencil stereo stew stick still stitch
    stone stop store stove strap stream string strong strudel stucco student sturdy sublime suburb
    subway success sudden sugar suit summer sundial sunlight sunny sunrise sunset super surface
    surplus survey sushi swan sweater swift swim swing swirl switch sycamore symphony syrup system
    tabby table taco tactic tadpole taffy tailor take talent talk tandem tangent tape target tartan
    task taste taxi teacher teak teapot teaspoon teddy telegram tempo tender tennis tenor tent
    terrace test tether thank theme thermal thicket thimble thing thistle thorn thread thrift thumb
    thunder tiara ticket tidal tidy tiger tile tilt timber timeless tinfoil tinker tinsel tiny
    tissue title toast toboggan today toffee together toggle token tomato tomorrow tonic tooth topaz
    topic topsoil torch tortoise totem toucan tour towel town toybox tractor trade traffic trail
    tram transit trapeze travel tray treasure treble tree trellis trend triangle tribute trick trim
    trinket trio triumph trivia trolley trombone trophy trough truck true truffle trumpet trunk
    trust tuesday tuft tugboat tulip tumble tuna tundra tune tunic tunnel turban turf turkey
    turmeric turnip turret turtle tutor tuxedo tweak tweed twig twilight twin twirl twist type
    ukulele ultra umbrella umpire under unfold unicorn uniform union unique unite universe unlock
    unveil unwind upbeat update upgrade uphill uplift upper upright upside upstream uptown upward
    urchin usage useful usher utensil utmost utopia vacant valid valley value valve vanguard vanilla
    variety varnish vast vault vector vehicle velocity velvet vendor venture venue veranda verb
    verdict verify verse veteran viaduct vibrant victory video view village vine vintage vinyl viola
    visible vista vital vivid vocal vogue voice volcano volley voltage volume vortex vowel voyage
    waddle waffle wagon waiter walk wallet walnut walrus waltz warbler wardrobe warm wash watch
    water weasel wedding wedge weekend welcome west wetland wharf wheat whimsy whippet whirl whisker
    wicker widget width wiggle willow window wing winter wisdom wish wizard wolf wombat wonder
    woodland wool workshop world woven wrench wrist yacht yard yarn year yellow yeti yield yodel
    yoga yonder young youth zebra zenith zephyr zeppelin zesty zigzag zinc zinnia zipper zither
    zodiac zone zoom zucchini
    """
}
