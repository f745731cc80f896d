"""Who follows a run besides its workdir: one file a tracker."""
