/** Shows what has a use with script only: the parts of class `needs-script`. */
document.documentElement.classList.add("has-script");
