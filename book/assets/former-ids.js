// Made by `make chapters` from book/former_ids.yml: change that, not this file.
window.DESCENT_FORMER_IDS = {};
