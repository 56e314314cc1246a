function __virtue_should_offer_completions_for_flags_or_options -a expected_commands
    set -l non_repeating_flags_or_options $argv[2..]
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __virtue_parse_tokens
    test "$commands" = "$expected_commands"; and return $non_repeating_flags_or_options_absent
end

function __virtue_should_offer_completions_for_positional -a expected_commands positional_index_comparison expected_positional_index
    set -l non_repeating_flags_or_options
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __virtue_parse_tokens
    test "$commands" = "$expected_commands" -a \( "$positional_index" "$positional_index_comparison" "$expected_positional_index" \)
end

function __virtue_parse_tokens -S
    set -l unparsed_tokens (__virtue_tokens -pc)
    switch $unparsed_tokens[1]
    case 'virtue'
        __virtue_parse_subcommand 0 'version' 'h/help'
        switch $unparsed_tokens[1]
        case 'host'
            __virtue_parse_subcommand 1 'uses=' 'life=' 'visible' 'name=' 'headless' 'json' 'camera=+' 'blur' 'blur-strength=' 'background=' 'gods-eye' 'resolution=' 'microphone=' 'speaker=' 'record=' 'interface=+' 'port=' 'peer=+' 'data-dir=' 'downloads=' 'accept-files=' 'duration=' 'version' 'h/help'
        case 'join'
            __virtue_parse_subcommand 1 'reopen' 'name=' 'headless' 'json' 'camera=+' 'blur' 'blur-strength=' 'background=' 'gods-eye' 'resolution=' 'microphone=' 'speaker=' 'record=' 'interface=+' 'port=' 'peer=+' 'data-dir=' 'downloads=' 'accept-files=' 'duration=' 'version' 'h/help'
        case 'nearby'
            __virtue_parse_subcommand 0 'json' 'seconds=' 'interface=+' 'version' 'h/help'
        case 'history'
            __virtue_parse_subcommand 0 'meeting=' 'search=' 'since=' 'attendance' 'hash' 'json' 'limit=' 'export=' 'force' 'forget=' 'yes' 'data-dir=' 'version' 'h/help'
        case 'devices'
            __virtue_parse_subcommand 0 'json' 'calibrate' 'camera=+' 'data-dir=' 'version' 'h/help'
        case 'models'
            __virtue_parse_subcommand 0 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'install'
                __virtue_parse_subcommand 0 'from=' 'data-dir=' 'version' 'h/help'
            case 'status'
                __virtue_parse_subcommand 0 'json' 'data-dir=' 'version' 'h/help'
            end
        case 'vision'
            __virtue_parse_subcommand 0 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'blur'
                __virtue_parse_subcommand 0 'input=' 'output=' 'mask=' 'strength=' 'background=' 'data-dir=' 'version' 'h/help'
            case 'look'
                __virtue_parse_subcommand 0 'camera=+' 'json' 'data-dir=' 'version' 'h/help'
            end
        case 'doctor'
            __virtue_parse_subcommand 0 'json' 'data-dir=' 'version' 'h/help'
        case 'demo'
            __virtue_parse_subcommand 0 'seconds=' 'output=' 'data-dir=' 'version' 'h/help'
        case 'help'
            __virtue_parse_subcommand -r 1 'version'
        end
    end
end

function __virtue_tokens
    if test (string split -m 1 -f 1 -- . "$FISH_VERSION") -gt 3
        commandline --tokens-raw $argv
    else
        commandline -o $argv
    end
end

function __virtue_parse_subcommand -S -a positional_count
    argparse -s r -- $argv
    set -l option_specs $argv[2..]
    set -l is_repeating_positional $_flag_r
    set -el _flag_r
    set -a commands $unparsed_tokens[1]
    set positional_index 0
    while true
        set -e unparsed_tokens[1]
        argparse -sn "$commands" $option_specs -- $unparsed_tokens 2> /dev/null
        set unparsed_tokens $argv
        set positional_index (math $positional_index + 1)
        for non_repeating_flag_or_option in $non_repeating_flags_or_options
            if set -ql "_flag_$(string replace -a - _ -- $non_repeating_flag_or_option)"
                set non_repeating_flags_or_options_absent 1
                break
            end
        end
        test (count $unparsed_tokens) -eq 0 -o \( -z "$is_repeating_positional" -a "$positional_index" -gt "$positional_count" \) && break
    end
end

function __virtue_complete_directories
    set -l token (commandline -t)
    string match -- '*/' $token
    set -l subdirs $token*/
    printf %s\n $subdirs
end

function __virtue_custom_completion
    set -x SAP_SHELL fish
    set -x SAP_SHELL_VERSION $FISH_VERSION
    set -l tokens (__virtue_tokens -p)
    if test -z "$(__virtue_tokens -t)"
        set -l index (count (__virtue_tokens -pc))
        set tokens $tokens[..$index] \'\' $tokens[(math $index + 1)..]
    end
    command $tokens[1] $argv $tokens
end

complete -c 'virtue' -f
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue" version' -l 'version' -d 'Show the version.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_positional "virtue" -eq 1' -fa 'host' -d 'Open a meeting; prints the code that lets others in.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_positional "virtue" -eq 1' -fa 'join' -d 'Join a meeting with its code or link.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_positional "virtue" -eq 1' -fa 'nearby' -d 'Meetings on this network that chose to be visible.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_positional "virtue" -eq 1' -fa 'history' -d 'Meetings and messages kept on this computer.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_positional "virtue" -eq 1' -fa 'devices' -d 'What pictures and sound can come from, and where sound can go.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_positional "virtue" -eq 1' -fa 'models' -d 'The neural networks for blur and God\'s eye.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_positional "virtue" -eq 1' -fa 'vision' -d 'Run the effects on files.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_positional "virtue" -eq 1' -fa 'doctor' -d 'What works on this computer, and what to do about the rest.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_positional "virtue" -eq 1' -fa 'demo' -d 'Hold a whole meeting of three on this computer.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_positional "virtue" -eq 1' -fa 'help' -d 'Show subcommand help information.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" uses' -l 'uses' -d 'How many people may come in with the code.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" life' -l 'life' -d 'How long the code is good: 90s, 30m, 8h, 2d.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" visible' -l 'visible' -d 'Tell title and host\'s name to everybody on the network (virtue nearby).'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" name' -l 'name' -d 'The name that the others see.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" headless' -l 'headless' -d 'No window: events on standard output, chat lines from standard input.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" json' -l 'json' -d 'Events as one JSON object a line on standard output.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host"' -l 'camera' -d 'Where pictures come from: pattern (or pattern:SEED, the same each time), none, or file:CLIP (.y4m or .webm, looped). Repeatable with --gods-eye.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" blur' -l 'blur' -d 'Blur what is behind you; no unblurred picture leaves this computer.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" blur-strength' -l 'blur-strength' -d 'How soft --blur makes it, 1 to 3. (default: 2)' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" background' -l 'background' -d 'Put this PNG or JPEG file behind you.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" gods-eye' -l 'gods-eye' -d 'Send the picture of the camera that you look at, of two to 8 --camera.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" resolution' -l 'resolution' -d 'Size of the pattern\'s pictures.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" microphone' -l 'microphone' -d 'Where sound comes from: tone, none, or file:SOUND.wav (looped).' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" speaker' -l 'speaker' -d 'Where sound goes to: none, or file:OUT.wav.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" record' -l 'record' -d 'Keep what is received, one WebM file a participant, in this directory.' -rfa '(__virtue_complete_directories)'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host"' -l 'interface' -d 'Use only this network interface (repeatable). Without it, every real one is used.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" port' -l 'port' -d 'TCP port for members\' links; media takes UDP ports of the 200 above it. 0: any free one.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host"' -l 'peer' -d 'Look here instead of asking the network (repeatable).' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" data-dir' -l 'data-dir' -d 'Where key and history are kept.' -rfa '(__virtue_complete_directories)'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" downloads' -l 'downloads' -d 'Where accepted files appear. Without it, the desktop\'s folder for downloads, ~/Downloads where there is one, or the data directory.' -rfa '(__virtue_complete_directories)'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" accept-files' -l 'accept-files' -d 'Fetch offered files of up to so many megabytes without being asked, in one meeting ten times as much at most, half of it of one member and those whom it let in. Without it, only /accept fetches.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" duration' -l 'duration' -d 'Leave after this many seconds.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" version' -l 'version' -d 'Show the version.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue host" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_positional "virtue join" -eq 1' -fka '(__virtue_custom_completion ---completion join -- positional@0 (count (__virtue_tokens -pc)) (__virtue_tokens -tC))'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join" reopen' -l 'reopen' -d 'Without a code: open the latest meeting again if nobody of it is here, and wait for the others.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join" name' -l 'name' -d 'The name that the others see.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join" headless' -l 'headless' -d 'No window: events on standard output, chat lines from standard input.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join" json' -l 'json' -d 'Events as one JSON object a line on standard output.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join"' -l 'camera' -d 'Where pictures come from: pattern (or pattern:SEED, the same each time), none, or file:CLIP (.y4m or .webm, looped). Repeatable with --gods-eye.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join" blur' -l 'blur' -d 'Blur what is behind you; no unblurred picture leaves this computer.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join" blur-strength' -l 'blur-strength' -d 'How soft --blur makes it, 1 to 3. (default: 2)' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join" background' -l 'background' -d 'Put this PNG or JPEG file behind you.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join" gods-eye' -l 'gods-eye' -d 'Send the picture of the camera that you look at, of two to 8 --camera.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join" resolution' -l 'resolution' -d 'Size of the pattern\'s pictures.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join" microphone' -l 'microphone' -d 'Where sound comes from: tone, none, or file:SOUND.wav (looped).' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join" speaker' -l 'speaker' -d 'Where sound goes to: none, or file:OUT.wav.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join" record' -l 'record' -d 'Keep what is received, one WebM file a participant, in this directory.' -rfa '(__virtue_complete_directories)'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join"' -l 'interface' -d 'Use only this network interface (repeatable). Without it, every real one is used.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join" port' -l 'port' -d 'TCP port for members\' links; media takes UDP ports of the 200 above it. 0: any free one.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join"' -l 'peer' -d 'Look here instead of asking the network (repeatable).' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join" data-dir' -l 'data-dir' -d 'Where key and history are kept.' -rfa '(__virtue_complete_directories)'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join" downloads' -l 'downloads' -d 'Where accepted files appear. Without it, the desktop\'s folder for downloads, ~/Downloads where there is one, or the data directory.' -rfa '(__virtue_complete_directories)'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join" accept-files' -l 'accept-files' -d 'Fetch offered files of up to so many megabytes without being asked, in one meeting ten times as much at most, half of it of one member and those whom it let in. Without it, only /accept fetches.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join" duration' -l 'duration' -d 'Leave after this many seconds.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join" version' -l 'version' -d 'Show the version.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue join" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue nearby" json' -l 'json' -d 'One JSON object a line.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue nearby" seconds' -l 'seconds' -d 'How long to listen, in seconds.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue nearby"' -l 'interface' -d 'Use only this interface (repeatable).' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue nearby" version' -l 'version' -d 'Show the version.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue nearby" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue history" meeting' -l 'meeting' -d 'Show the messages of this meeting: its identifier, at least four digits of its beginning, or “latest”.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue history" search' -l 'search' -d 'Show the messages with these words; those in quotation marks, side by side.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue history" since' -l 'since' -d 'Show what was said since then: 2026-05-31, 2026-05-31T14:30, today, yesterday, or how long ago: 90m, 2h, 3d.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue history" attendance' -l 'attendance' -d 'Show who came and went, too.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue history" hash' -l 'hash' -d 'Print a SHA-256 over the meeting\'s ordered log: equal for all who have everything.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue history" json' -l 'json' -d 'One JSON object a line.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue history" limit' -l 'limit' -d 'At most this many messages, the newest. (default: 1000; an export has all)' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue history" export' -l 'export' -d 'Write a meeting, the latest unless --meeting says which, to a file that ends in .txt, .json or .html.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue history" force' -l 'force' -d 'Let --export replace a file that is there.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue history" forget' -l 'forget' -d 'Delete a meeting and all that was said in it.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue history" yes' -l 'yes' -d 'Let --forget delete without asking.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue history" data-dir' -l 'data-dir' -d 'Where key and history are kept.' -rfa '(__virtue_complete_directories)'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue history" version' -l 'version' -d 'Show the version.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue history" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue devices" json' -l 'json' -d 'One JSON object a line.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue devices" calibrate' -l 'calibrate' -d 'Measure the gaze at each camera, for God\'s eye.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue devices"' -l 'camera' -d 'A camera to look at, as for host and join; up to 8 of them.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue devices" data-dir' -l 'data-dir' -d 'Where the calibration and the models are kept.' -rfa '(__virtue_complete_directories)'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue devices" version' -l 'version' -d 'Show the version.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue devices" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue models" version' -l 'version' -d 'Show the version.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue models" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_positional "virtue models" -eq 1' -fa 'install' -d 'Fetch the models, or take them from a file.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_positional "virtue models" -eq 1' -fa 'status' -d 'Which models are here, and whether they are whole.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue models install" from' -l 'from' -d 'Take them from this wheel of mediapipe 0.10.21 instead of the network.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue models install" data-dir' -l 'data-dir' -d 'Where the models are kept.' -rfa '(__virtue_complete_directories)'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue models install" version' -l 'version' -d 'Show the version.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue models install" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue models status" json' -l 'json' -d 'One JSON object a line.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue models status" data-dir' -l 'data-dir' -d 'Where the models are kept.' -rfa '(__virtue_complete_directories)'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue models status" version' -l 'version' -d 'Show the version.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue models status" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue vision" version' -l 'version' -d 'Show the version.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue vision" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_positional "virtue vision" -eq 1' -fa 'blur' -d 'Blur or replace what is behind a person.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_positional "virtue vision" -eq 1' -fa 'look' -d 'Which of several cameras somebody looks at.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue vision blur" input' -l 'input' -d 'The clip (.y4m or .webm).' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue vision blur" output' -l 'output' -d 'Where the result goes (.webm).' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue vision blur" mask' -l 'mask' -d 'Where the mask goes (.webm).' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue vision blur" strength' -l 'strength' -d 'How soft the background becomes, 1 to 3.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue vision blur" background' -l 'background' -d 'Put this PNG or JPEG file behind the person instead.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue vision blur" data-dir' -l 'data-dir' -d 'Where the models are kept.' -rfa '(__virtue_complete_directories)'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue vision blur" version' -l 'version' -d 'Show the version.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue vision blur" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue vision look"' -l 'camera' -d 'A clip (.y4m or .webm), two to 8 of them.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue vision look" json' -l 'json' -d 'One JSON object a picture; otherwise a line for each change.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue vision look" data-dir' -l 'data-dir' -d 'Where the models are kept.' -rfa '(__virtue_complete_directories)'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue vision look" version' -l 'version' -d 'Show the version.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue vision look" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue doctor" json' -l 'json' -d 'One JSON object a line.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue doctor" data-dir' -l 'data-dir' -d 'The data directory to look at.' -rfa '(__virtue_complete_directories)'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue doctor" version' -l 'version' -d 'Show the version.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue doctor" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue demo" seconds' -l 'seconds' -d 'How long the meeting lasts, in seconds.' -rfka ''
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue demo" output' -l 'output' -d 'Where recordings and the contact sheet go. Default: a new temporary directory, which is removed if the demo is interrupted.' -rfa '(__virtue_complete_directories)'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue demo" data-dir' -l 'data-dir' -d 'Where the models are kept.' -rfa '(__virtue_complete_directories)'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue demo" version' -l 'version' -d 'Show the version.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue demo" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'virtue' -n '__virtue_should_offer_completions_for_flags_or_options "virtue help" version' -l 'version' -d 'Show the version.'
