"""An option is named as the user gave it."""

from models.option_names import command_line_names, option_name, option_with, setting_name


def test_names_in_python():
    assert option_name("memory_gib") == "memory_gib"
    assert option_name("settings") == "settings"
    assert option_with("overwrite") == "overwrite=True"
    assert option_with("depth", "cores") == "depth='cores'"
    assert setting_name("machine.name") == "machine.name"


def test_names_on_the_command_line():
    with command_line_names():
        assert option_name("memory_gib") == "--memory-gib"
        assert option_name("settings") == "--set"
        assert option_name("html") == "--no-html"
        assert option_name("roundings") == "--rounding"
        assert option_with("overwrite") == "--overwrite"
        assert option_with("depth", "cores") == "--depth cores"
        assert setting_name("machine.name") == "--set machine.name"
    assert option_name("memory_gib") == "memory_gib"
